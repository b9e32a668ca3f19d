"""What a claim must satisfy, each rule written once; and the SQL between payload lines and flat rows."""
