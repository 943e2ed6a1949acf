"""The page's addresses, a file for each area."""

from infrastructure.web.routes import artifacts, events, house, inbox, projects, runs, sign_in, tasks

AREAS = (sign_in, projects, runs, tasks, artifacts, inbox, house, events)
