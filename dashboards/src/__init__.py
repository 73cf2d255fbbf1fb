"""The Grafana dashboards as code: `python -m dashboards.src` writes the JSON beside this package."""
