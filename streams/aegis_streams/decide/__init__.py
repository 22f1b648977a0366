"""DECIDE: inputs become committed leaves. Evaluation, state and log of one partition at a time."""
