"""Public code systems and closed vocabularies: ICD-10, ICD-9-CM, provinces. Nothing comes from a source table."""
