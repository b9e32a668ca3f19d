"""What operators see: logs, latency, metrics, health. Reads the control file and small files; opens no database."""
