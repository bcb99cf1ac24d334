"""How the losses of a model, or of several tasks, are weighed against each other by what is learned."""
