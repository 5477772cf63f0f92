"""The requirement catalogue: what an adapter is held to, as data, and how it is read.

The rules are in ``rules/*.toml``, one file an area; a rule's wording has no other home.
Here live the values that they become, their validation, and the profiles. No test, no
adapter, no pytest: the suite refers to rules by id, and reports quote them.
"""

from nq_conformance.requirements.catalogue import Catalogue
from nq_conformance.requirements.errors import CatalogueError, RequirementsError, UnknownRuleError
from nq_conformance.requirements.links import link_of
from nq_conformance.requirements.loading import AREA_ORDER, load, load_from
from nq_conformance.requirements.profiles import PROFILES, Profile, profiles_of
from nq_conformance.requirements.rule import (
    FLAGS,
    KNOWN_CAPABILITIES,
    KNOWN_SERVICES,
    LEVELS,
    Area,
    Level,
    Rule,
    claims_of,
    lacks,
)

__all__ = [
    "AREA_ORDER",
    "FLAGS",
    "KNOWN_CAPABILITIES",
    "KNOWN_SERVICES",
    "LEVELS",
    "PROFILES",
    "Area",
    "Catalogue",
    "CatalogueError",
    "Level",
    "Profile",
    "RequirementsError",
    "Rule",
    "UnknownRuleError",
    "claims_of",
    "lacks",
    "link_of",
    "load",
    "load_from",
    "profiles_of",
]
