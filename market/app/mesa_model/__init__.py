"""The market as a Mesa model: VPPs as agents, parameters by keyword, data frames out.

The agents are in one process, in one process each (`processes=True`), or elsewhere (`MarketModel.follow`).

from market.app.mesa_model import MarketModel

model = MarketModel("five_vpp", growth=0.5)
model.run_model()
model.datacollector.get_model_vars_dataframe()
"""

from market.app.mesa_model.agent import VppAgent
from market.app.mesa_model.model import MarketModel
from market.app.mesa_model.steps import StepUnit

__all__ = ["MarketModel", "StepUnit", "VppAgent"]
