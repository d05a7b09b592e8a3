"""The cues of the planted worlds, one file a kind. Which world has which is said in `auditor.inputs.world.planted`."""
