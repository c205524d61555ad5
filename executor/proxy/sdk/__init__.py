"""What functions import; this folder is on the module path of every function process."""
