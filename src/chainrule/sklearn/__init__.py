"""Nets as scikit-learn's estimators: they go where its own do. Needs ``chainrule[sklearn]``."""

try:
    import sklearn  # noqa: F401 (the other one: scikit-learn itself)
except ImportError as error:
    raise ImportError("scikit-learn is missing: pip install 'chainrule[sklearn]'") from error

from chainrule.sklearn.mlp import MLPClassifier, MLPRegressor
from chainrule.sklearn.net import NetClassifier, NetRegressor
from chainrule.sklearn.search import CohortSearchCV

__all__ = ["CohortSearchCV", "MLPClassifier", "MLPRegressor", "NetClassifier", "NetRegressor"]
