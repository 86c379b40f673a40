"""A teacher model: asked through any OpenAI-compatible endpoint, never believed unchecked."""
