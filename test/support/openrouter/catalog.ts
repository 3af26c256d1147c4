/** Models and providers that the simulator knows: the slug for people, and the versioned one of analytics. */
export interface SimulatedModel {
  slug: string;
  permaslug: string;
}

export const MODELS: readonly SimulatedModel[] = [
  { slug: 'anthropic/claude-haiku-4.5', permaslug: 'anthropic/claude-4.5-haiku-20251001' },
  { slug: 'anthropic/claude-sonnet-4.5', permaslug: 'anthropic/claude-4.5-sonnet-20250929' },
  { slug: 'openai/gpt-4.1', permaslug: 'openai/gpt-4.1-2025-04-14' },
  { slug: 'openai/gpt-4.1-mini', permaslug: 'openai/gpt-4.1-mini-2025-04-14' },
  { slug: 'google/gemini-2.5-pro', permaslug: 'google/gemini-2.5-pro' },
  { slug: 'google/gemini-2.5-flash', permaslug: 'google/gemini-2.5-flash' },
  { slug: 'deepseek/deepseek-chat-v3.1', permaslug: 'deepseek/deepseek-chat-v3.1' },
  { slug: 'meta-llama/llama-3.3-70b-instruct', permaslug: 'meta-llama/llama-3.3-70b-instruct' },
];

export const PROVIDERS = ['Anthropic', 'OpenAI', 'Google Vertex', 'Amazon Bedrock', 'DeepInfra'] as const;

export const slugOf = (permaslug: string): string => MODELS.find((model) => model.permaslug === permaslug)?.slug ?? permaslug;

/** A row of `GET /models`. */
export const describeModel = ({ slug, permaslug }: SimulatedModel) => ({
  id: slug,
  canonical_slug: permaslug,
  name: slug,
  created: 1_750_000_000,
  description: 'A simulated model',
  context_length: 200_000,
  architecture: { modality: 'text->text', input_modalities: ['text'], output_modalities: ['text'], tokenizer: 'GPT', instruct_type: null },
  pricing: { prompt: '0.000001', completion: '0.000005' },
  top_provider: { context_length: 200_000, max_completion_tokens: 8192, is_moderated: false },
  per_request_limits: null,
  supported_parameters: ['temperature'],
  supported_voices: null,
  default_parameters: null,
  links: { details: `/api/v1/models/${slug}/endpoints` },
});
