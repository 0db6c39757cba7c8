"""Frames that make a request of a verb phrase, by what is asked: ``{v}`` is the phrase, ``{g}`` has its verb in -ing."""

FRAMES: dict[str, tuple[str, ...]] = {
    "how": (
        "how do I {v}", "how can I {v}", "how could I {v}", "how to {v}", "how would I go about {g}", "how does one {v}",
        "what do I have to do to {v}", "what do I need to do to {v}", "what should I do to {v}", "what is the way to {v}",
        "what are the steps to {v}", "steps to {v}", "I want to {v}", "I need to {v}", "I have to {v}", "I would like to {v}",
        "I'd like to {v}, how does that work", "I want to {v}, how do I do it", "I need to {v}, how can I do it",
        "I want to {v}, how could I do that", "I have to {v}, help me please", "I am trying to {v}", "trying to {v}",
        "I'm trying to {v}, can you help", "help me {v}", "help me to {v}", "can you help me {v}", "could you help me to {v}",
        "will you help me {v}", "I need help to {v}", "I need help {g}", "need some help with {g}", "I want help {g}",
        "I need assistance to {v}", "assistance {g}", "assistance with {g}, please", "I don't know how to {v}",
        "I do not know how I can {v}", "I don't know what I have to do to {v}", "no idea how to {v}",
        "I can't work out how to {v}", "not sure how to {v}", "{v}", "{v}", "{v} please", "please {v}", "{g}",
        "show me how to {v}", "tell me how to {v}", "can you show me how to {v}", "can you tell me how to {v}",
        "I wonder how to {v}", "I was wondering how I can {v}", "looking to {v}", "is there somebody who can help me {v}",
        "I have a question about {g}", "question about how to {v}", "instructions for {g}", "guide me through {g}",
        "explain how to {v}", "what's the procedure to {v}", "what must I do in order to {v}", "I gotta {v}, how",
        "I wish to {v}", "wanna {v}", "hope you can help me {v}",
    ),
    "whether": (
        "can I {v}", "may I {v}", "am I allowed to {v}", "am I able to {v}", "is it possible to {v}", "is it possible for me to {v}",
        "would it be possible to {v}", "is {g} possible", "is {g} allowed", "do you allow me to {v}", "is it permitted to {v}",
    ),
    "how long": (
        "how long does it take to {v}", "how much time does it take to {v}", "how long will it take me to {v}",
        "how many days does {g} take", "how long does {g} take", "time needed to {v}",
    ),
    "cost": (
        "how much does it cost to {v}", "what does it cost to {v}", "what is the fee to {v}", "is there a charge if I {v}",
        "what will I be charged to {v}", "do I have to pay anything to {v}", "price of {g}", "is {g} free of charge",
    ),
    "fails": (
        "why can't I {v}", "why am I not able to {v}", "what is the reason I can't {v}", "how come I cannot {v}",
        "why is it not letting me {v}", "why does it not work when I try to {v}", "for what reason am I unable to {v}",
    ),
    "when": (
        "when can I {v}", "when is the earliest I can {v}", "from when on can I {v}", "on what date can I {v}",
    ),
    "must": (
        "do I have to {v}", "must I {v}", "am I required to {v}", "is it compulsory to {v}", "am I obliged to {v}",
        "is it mandatory to {v}",
    ),
    "advice": (
        "should I {v}", "is it a good idea to {v}", "would you advise me to {v}", "do you recommend {g}", "is it wise to {v}",
        "is it worth {g}",
    ),
    "effect": (
        "what happens if I {v}", "what happens when I {v}", "what are the consequences of {g}", "what follows if I {v}",
        "what changes once I {v}",
    ),
    "avoid": ("how do I avoid {g}", "how can I get around {g}", "what do I do so that I do not have to {v}"),
}  # fmt: skip
"""Frames by kind; two frames of a kind ask the same."""
