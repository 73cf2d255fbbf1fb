"""Write every board's JSON beside this package."""

from __future__ import annotations

from dashboards.src.boards import FOLDER, rendered

for name, text in rendered().items():
    (FOLDER / name).write_text(text)
