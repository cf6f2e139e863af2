"""Steps of studies and of registered tables, plug-ins, and the computations behind them."""
