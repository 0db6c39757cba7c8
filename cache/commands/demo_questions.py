"""What the demo's customers ask: support questions with the intent each belongs to.

Two questions of one intent have the same right answer, two of different intents never do. Some intents
are traps: they differ from another by one word or number, and their vectors are all but equal.
"""

from __future__ import annotations

import random
from hashlib import blake2b
from typing import NamedTuple

INTENTS: dict[str, tuple[str, ...]] = {
    "reset_password": (
        "How do I reset my password?",
        "how can i reset my password",
        "How do I reset my password",
        "I forgot my password, how do I reset it?",
        "What is the way to reset a forgotten password?",
        "can you help me reset my password",
    ),
    "track_order": (
        "Where is my order?",
        "where is my order",
        "Where is my order right now?",
        "How can I track my order?",
        "how do I track my order",
        "I want to track my order",
    ),
    "cancel_order": (
        "How do I cancel my order?",
        "how can i cancel my order",
        "I want to cancel my order",
        "I would like to cancel my order, how does that work?",
        "How can I cancel an order I placed?",
    ),
    "change_order": (
        "How do I change my order?",
        "how can i change my order",
        "I want to change my order",
        "How can I change an order I placed?",
    ),
    "enable_2fa": (
        "How do I enable two-factor authentication?",
        "how can i enable two-factor authentication",
        "How to enable two factor authentication on my account?",
        "What do I do to enable two-factor authentication?",
    ),
    "disable_2fa": (
        "How do I disable two-factor authentication?",
        "how can i disable two-factor authentication",
        "How to disable two factor authentication on my account?",
        "What do I do to disable two-factor authentication?",
    ),
    "price_5_users": (
        "What does the plan for 5 users cost?",
        "what does the plan for 5 users cost",
        "How much does the plan for 5 users cost?",
        "How much is the plan for five users?",
    ),
    "price_50_users": (
        "What does the plan for 50 users cost?",
        "what does the plan for 50 users cost",
        "How much does the plan for 50 users cost?",
        "How much is the plan for fifty users?",
    ),
    "return_14_days": (
        "Can I return a product after 14 days?",
        "can i return a product after 14 days",
        "Is it possible to return a product after 14 days?",
        "May I still return a product after 14 days?",
    ),
    "return_40_days": (
        "Can I return a product after 40 days?",
        "can i return a product after 40 days",
        "Is it possible to return a product after 40 days?",
        "May I still return a product after 40 days?",
    ),
    "parcel_with_signature": (
        "Can my parcel be delivered with a signature?",
        "can my parcel be delivered with a signature",
        "Is it possible to have my parcel delivered with a signature?",
    ),
    "parcel_without_signature": (
        "Can my parcel be delivered without a signature?",
        "can my parcel be delivered without a signature",
        "Is it possible to have my parcel delivered without a signature?",
    ),
    "refund_duration": (
        "How long does a refund take?",
        "how long does a refund take",
        "How long does it take to get a refund?",
        "When will I get my refund?",
        "when do i get my refund",
    ),
    "payment_methods": (
        "Which payment methods do you accept?",
        "which payment methods do you accept",
        "What payment methods do you accept?",
        "What are the payment methods you accept?",
        "Which methods of payment are accepted?",
    ),
    "get_invoice": (
        "Where can I download my invoice?",
        "where can i download my invoice",
        "How can I download my invoice?",
        "Where do I find the invoice for download?",
    ),
    "delivery_time": (
        "How long does delivery take?",
        "how long does delivery take",
        "How long does the delivery take?",
        "How many days does delivery take?",
        "What is the delivery time?",
    ),
    "change_address": (
        "How do I change my shipping address?",
        "how can i change my shipping address",
        "I need to change my shipping address",
        "How can I change the shipping address of my account?",
    ),
    "delete_account": (
        "How do I delete my account?",
        "how can i delete my account",
        "I want to delete my account",
        "How can I get my account deleted?",
    ),
    "contact_human": (
        "How can I talk to a human?",
        "how can i talk to a human agent",
        "I want to talk to a human",
        "Can I speak to a real person?",
    ),
    "opening_hours": (
        "When is customer service open?",
        "when is customer service open",
        "What are the opening hours of customer service?",
        "At what time is customer service open?",
    ),
}

ONE_OFFS = (
    "Does the blue kettle fit on an induction hob?",
    "Is the oak shelf treated against moisture?",
    "Which battery goes into the garden lamp?",
    "Can the tent be set up by one person?",
    "Does your gift wrap contain plastic?",
    "What is the thread size of the bicycle pump?",
    "Is the wool of the grey blanket mulesing-free?",
    "How loud is the coffee grinder in decibels?",
    "May the cast-iron pan go into the dishwasher?",
    "Who designed the poster with the lighthouse?",
    "Does the alarm clock project the time on the wall?",
    "Are the children's raincoats lined with fleece?",
    "What is the diameter of the large salad bowl?",
    "Can I get the catalogue in Braille?",
    "Does the printer take recycled paper?",
    "Is there a museum discount for members of the club?",
    "Which glue do you recommend for the model ship?",
    "How deep is the drawer of the bedside table?",
    "Does the yoga mat smell of rubber at first?",
    "Are spare bulbs for the string lights sold separately?",
    "Can the backpack be carried on as cabin luggage?",
    "Is the honey from the spring harvest raw?",
    "What wood are the chess pieces made of?",
    "Does the thermometer show Fahrenheit too?",
    "How many pages has the hardcover notebook?",
    "Can the umbrella stand be fixed to the floor?",
    "Do the hiking boots come in half sizes?",
    "Is the aquarium pump safe for shrimp?",
    "Which oven mitts go with the apron?",
    "Can the desk lamp be dimmed by remote control?",
)

_TURNS = (
    "Thanks for asking.", "Happy to help with that.", "Good question.", "Let us sort this out together.",
    "Sign in and open your profile.", "Choose the entry this is about.", "Check the short summary.",
    "Confirm with the button at the bottom of the page.", "You will get an email that repeats what was agreed.",
    "This usually takes two to five working days.", "If the page does not load, please try the app instead.",
    "Keep your reference at hand in case a colleague asks for it.", "Is there anything else we can do for you today?",
)  # fmt: skip


OUTAGE = "Is the shop down? I only get an error page."
"""Asked by several customers in the same second."""


class Question(NamedTuple):
    """A request: its ``text``, the ``intent`` whose answer is right, and how many customers send it
    ``at_once``."""

    text: str
    intent: str
    at_once: int = 1


def traffic(count: int, at_once: int = 12, seed: int = 7) -> list[Question]:
    """``count`` questions in order of arrival and one more asked by ``at_once`` customers in the same
    second; the same for the same arguments.

    Intents follow a Zipf law, each time in one of its wordings; every tenth question is a one-off that
    nobody else asks, as long as there are such left.
    """
    rng = random.Random(seed)
    intents = list(INTENTS)
    rng.shuffle(intents)
    weights = [1 / (rank + 2) for rank in range(len(intents))]
    singles = rng.sample(ONE_OFFS, len(ONE_OFFS))
    made: list[Question] = []
    for _ in range(count):
        if singles and rng.random() < 0.1:
            text = singles.pop()
            made.append(Question(text, f"one-off: {text}"))
        else:
            intent = rng.choices(intents, weights)[0]
            made.append(Question(rng.choice(INTENTS[intent]), intent))
    made.insert(count // 3, Question(OUTAGE, "outage", at_once))
    return made


def answer_to(intent: str) -> str:
    """The right answer of an intent: support prose of about 80 tokens that names the intent."""
    rng = random.Random(f"answer {intent}")
    middle = rng.sample(_TURNS[4:-1], 6)
    return f"{mark_of(intent)} {rng.choice(_TURNS[:4])} {' '.join(middle)} {_TURNS[-1]}"


def mark_of(intent: str) -> str:
    """What the answer of an intent begins with, and no other answer does."""
    return f"[article {blake2b(intent.encode(), digest_size=4).hexdigest()}]"


def intents_by_text() -> dict[str, str]:
    """The intent of every text there is."""
    known = {text: intent for intent, texts in INTENTS.items() for text in texts}
    return known | {text: f"one-off: {text}" for text in ONE_OFFS} | {OUTAGE: "outage"}
