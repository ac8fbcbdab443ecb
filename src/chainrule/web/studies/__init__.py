"""The room of the stores: which studies there are, how far they are, and what they say so far.

``stores.py`` knows the stores and reads them, ``sections.py`` says what a study's page shows,
``datasets.py`` that of a study over several data sets, ``blocks.py`` how a table or a figure is
written for it, ``routes.py`` what is asked for.
"""

from chainrule.web.studies.routes import ROUTES
from chainrule.web.studies.stores import StudyStores

__all__ = ["ROUTES", "StudyStores"]
