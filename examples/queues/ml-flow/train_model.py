"""Begins the flow `ml-flow`, in a Python process of its own: fits a line to points."""

from nq_reference.worker import define_config

config = define_config(
    queue="ml-flow",
    flow={"name": "ml-flow", "role": "entry", "step": "train_model", "emits": ["model.trained"]},
    worker={"concurrency": 2, "timeout_ms": 60_000},
    runtime="python",
)


async def handler(data, ctx):
    """Least squares over ``data["points"]``, pairs of numbers; keeps the model for the steps that follow."""
    points = data["points"]
    await ctx.logger.log("info", "training", {"points": len(points)})
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    model = {"slope": slope, "intercept": mean_y - slope * mean_x}
    await ctx.state.set("model", model)
    await ctx.flow.emit("model.trained", {"points": points})
    return model
