"""Parts of the embedded database `demo`: photographs, camera, distortions, opinions, files."""
