"""The page's addresses, a file for each area."""

from infrastructure.web.routes import (
    artifacts,
    conversation,
    events,
    forms,
    house,
    inbox,
    nowhere,
    plan,
    project_settings,
    projects,
    runs,
    sign_in,
    tasks,
    workflows,
)

AREAS = (
    sign_in,
    projects,
    project_settings,
    plan,
    conversation,
    runs,
    tasks,
    artifacts,
    forms,
    inbox,
    workflows,
    house,
    events,
    nowhere,
)
