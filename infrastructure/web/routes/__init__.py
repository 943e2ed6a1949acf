"""The page's addresses, a file for each area."""

from infrastructure.web.routes import artifacts, events, house, inbox, plan, projects, runs, sign_in, tasks

AREAS = (sign_in, projects, plan, runs, tasks, artifacts, inbox, house, events)
