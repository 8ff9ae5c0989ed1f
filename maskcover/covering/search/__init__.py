"""The search for fewer masks, and for proofs that not many fewer are possible; for boxes, whatever they have to hold."""
