"""What a mesh is and what its numbers mean: pure, standard library only."""
