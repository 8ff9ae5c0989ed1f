"""The search for fewer masks, and for proofs that not many fewer are possible, whatever the boxes have to hold."""
