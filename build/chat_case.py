"""Makes a small model folder that chats, and what the Python library's text-generation pipeline answers with it.

usage: chat_case.py OUT      (needs transformers 4; trains for a minute or three)

The model knows a few conversations by heart. OUT holds it with tokenizer, chat template, settings, and expected.json:
{"talks": [{"messages", "tools", "prompt_tokens", "answer"}], "prompts": [...], "texts": [...]}.
"""
import json, sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM, pipeline

TEMPLATE = """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}{{ messages[0].content + '\\n\\n' }}{% endif %}
    {{- 'Tools:' }}
    {%- for tool in tools %}{{ '\\n' + (tool | tojson) }}{% endfor %}
    {{- '<|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {{- '<|im_start|>user\\n' + message.content + '<|im_end|>\\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\\n' }}
        {%- if message.content %}{{ message.content }}{% endif %}
        {%- for call in message.tool_calls or [] %}
            {{- '<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
            {{- (call.function.arguments | tojson) + '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
    {%- elif message.role != 'system' %}
        {{- raise_exception('Unknown role: ' + message.role) }}
    {%- elif not loop.first %}
        {{- raise_exception('A system message must come first') }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
WEATHER = {"type": "function", "function": {"name": "weather", "description": "The weather of a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
CAPITALS = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Norway": "Oslo"}
STORY = ("Once upon a time a weaver sat at her loom. She threw the shuttle over and under the warp, all day and half the "
         "night, until the cloth was as long as the river. Then she cut it, folded it, and gave it to the sea. \U0001F44B\U0001F3FD")


def talk(*turns, system=None, tools=None):
    messages = [{"role": "system", "content": system}] if system else []
    for i, turn in enumerate(turns):
        role = turn[0] if isinstance(turn, tuple) else ("user" if i % 2 == 0 else "assistant")
        messages.append({"role": role, **(turn[1] if isinstance(turn, tuple) else {"content": turn})})
    return messages, tools


def talks():
    call = {"content": "", "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}]}
    yield talk("Hello", "Hello! How can I help you?", "Tell me a story.", STORY)
    yield talk("Tell me a story.", STORY)
    yield talk("Hello", "Guten Tag!", system="Answer in German.")
    yield talk("What is the weather in Oslo?", ("assistant", call), ("tool", {"content": "sunny", "name": "weather"}),
               "It is sunny in Oslo.", tools=[WEATHER])
    for country, city in CAPITALS.items():
        yield talk(f"What is the capital of {country}?", city + ".")
        for other, its in CAPITALS.items():
            if other != country:
                yield talk(f"What is the capital of {country}?", city + ".", f"And of {other}?", its + ".")


def main(out):
    torch.manual_seed(7)
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    lines = [message["content"] for messages, _ in talks() for message in messages] + [json.dumps(WEATHER)] * 4
    made.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"]))
    words = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>",
                                    model_max_length=512, clean_up_tokenization_spaces=False, padding_side="left")
    words.add_tokens(["<tool_call>", "</tool_call>"])
    words.chat_template = TEMPLATE

    model = Qwen2ForCausalLM(Qwen2Config(
        vocab_size=len(words), hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True, rope_theta=10000.0,
        bos_token_id=None, eos_token_id=2, pad_token_id=0, initializer_range=0.1))
    examples = []
    for messages, tools in talks():
        for i, message in enumerate(messages):
            if message["role"] == "assistant":
                prompt = words.apply_chat_template(messages[:i], tools=tools, add_generation_prompt=True)
                whole = words.apply_chat_template(messages[:i + 1], tools=tools)[:-1]
                examples.append((prompt, whole))
    longest = max(len(whole) for _, whole in examples)
    ids = torch.tensor([whole + [0] * (longest - len(whole)) for _, whole in examples])
    labels = torch.tensor([[-100] * len(prompt) + whole[len(prompt):] + [-100] * (longest - len(whole))
                           for prompt, whole in examples])
    steps = 300
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for step in range(steps):
        loss = model(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    print("loss", loss.item())
    model.eval()
    model.generation_config = GenerationConfig(eos_token_id=2, pad_token_id=0)
    model.save_pretrained(out)
    words.save_pretrained(out)
    (out / "special_tokens_map.json").unlink(missing_ok=True)

    answerer = pipeline("text-generation", model=model, tokenizer=words)
    asked = []
    for messages, tools in talks():
        for i, message in enumerate(messages):
            if message["role"] == "assistant":
                before = messages[:i]
                prompt = words.apply_chat_template(before, tools=tools, add_generation_prompt=True)
                new = model.generate(torch.tensor([prompt]), max_new_tokens=150)[0][len(prompt):]
                answer = words.decode(new, skip_special_tokens=True)
                if not tools:
                    found = answerer(before, max_new_tokens=150, do_sample=False)[0]["generated_text"]
                    assert found[-1] == {"role": "assistant", "content": answer}, (found, answer)
                asked.append({"messages": before, "tools": tools, "prompt_tokens": len(prompt), "new_tokens": len(new),
                              "answer": answer})
    prompts = ["The weaver sat at", "Once", "It is the capital of Norway and of", "Hello! How"]
    texts = [answerer(prompt, max_new_tokens=12, do_sample=False, return_full_text=False)[0]["generated_text"]
             for prompt in prompts]
    (out / "expected.json").write_text(json.dumps({"talks": asked, "prompts": prompts, "texts": texts}, indent=1) + "\n")
    for each in asked:
        print(each["prompt_tokens"], each["new_tokens"], repr(each["answer"]))
    print(texts)


main(Path(sys.argv[1]))
