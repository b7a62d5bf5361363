"""How cost grows with what there is: cameras, faces in a frame, rows, pictures, files."""
