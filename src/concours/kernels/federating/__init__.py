"""Updates of sites joined into the weights of one model, round by round."""
