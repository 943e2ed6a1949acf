"""The agents and templates that ship, read from the YAML beside this file."""

from pathlib import Path

from config.reading import read
from domain.agent import Profile
from domain.template import PlanTemplate

HERE = Path(__file__).parent


def profiles(folder: Path = HERE / "agents") -> dict[str, Profile]:
    found = (read(path, Profile) for path in sorted(folder.glob("*.yaml")))
    return {profile.name: profile for profile in found}


def templates(folder: Path = HERE / "templates") -> dict[str, PlanTemplate]:
    found = (read(path, PlanTemplate) for path in sorted(folder.glob("*.yaml"), reverse=True))
    return {template.name: template for template in found}
