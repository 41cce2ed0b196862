"""Trackers in the VOT challenge's own toolkit: the TraX server it starts, a client that checks it, workspaces."""
