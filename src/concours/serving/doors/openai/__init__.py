"""OpenAI's protocol: chats, completions, responses and embeddings."""
