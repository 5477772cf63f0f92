"""Judges the model, in the process that runs the workers: it is quick and waits for nothing but the state."""

from nq_reference.worker import define_config

config = define_config(
    queue="ml-flow",
    flow={
        "name": "ml-flow",
        "step": "evaluate_model",
        "subscribes": ["model.trained"],
        "emits": ["model.accepted"],
    },
    runtime="in-process",
    attempts=3,
)


async def handler(data, ctx):
    """The model's largest error; it is accepted if that is below 0.5."""
    model = await ctx.state.get("model")
    errors = [abs(model["slope"] * x + model["intercept"] - y) for x, y in data["points"]]
    if max(errors) < 0.5:
        await ctx.flow.emit("model.accepted", {"error": max(errors)})
    return {"error": max(errors)}
