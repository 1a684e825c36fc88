"""Building blocks of the database `demo`: photographs, camera, distortions, opinions, files."""
