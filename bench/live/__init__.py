"""The main job under several keep-alive policies, in processes or in real containers."""
