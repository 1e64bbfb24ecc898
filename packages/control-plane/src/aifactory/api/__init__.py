"""The one API binary: it reads the manifests, mounts what they declare, and owns nothing of their business."""
