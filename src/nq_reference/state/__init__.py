"""State providers: JSON values that the steps of a flow share, in each adapter's own backend.

Keys come scoped by their flow (``ctx.state`` does that), so that flows never meet here.
"""
