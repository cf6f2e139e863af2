"""The verdict document and its renderings: HTML report, figures, MLflow records, terminal text."""
