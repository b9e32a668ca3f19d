"""Public code systems and closed vocabularies: ICD-10, ICD-9-CM volume 3, provinces. Nothing here comes from a source table."""
