"""Where artefacts live: content keys, atomic writes, manifests, locks."""
