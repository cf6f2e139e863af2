"""Teachers from outside: models that label rows where the user asks for them, and never ship."""

from __future__ import annotations

from realmix.tasks.core.contracts.registry import Registry
from realmix.tasks.core.contracts.specs import TeacherSpec

TEACHERS: Registry[TeacherSpec] = Registry(
    "realmix.tasks.teachers", "teacher", TeacherSpec, group="realmix.teachers"
)
