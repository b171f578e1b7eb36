"""From a recipe and data to a training at its first step, and from a card to a generator with its weights.

Inside of the room a file imports only from those before it: game_training, build_training, build_model, preview,
prepare, layer_advice, trial_move.
"""
