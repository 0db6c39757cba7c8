"""Customer-support questions made in code: 28 intents in many wordings, and one-off questions.

Each intent has a handful of cores, said in different words; a wording is a core in a register (polite,
curt, chatty, ...) with the slips people make. One-off questions are about things nobody else asks for.
"""

from __future__ import annotations

import random

# fmt: off
# Two intents may be close on purpose (refund policy / get a refund / track a refund): real ones are.
INTENTS: dict[str, tuple[str, ...]] = {
    "cancel_order": (
        "cancel my order", "cancel the purchase i made", "call off an order", "stop my order from being sent",
        "withdraw an order i placed", "undo the order from this morning",
    ),
    "change_order": (
        "change an item in my order", "swap a product in my order", "edit the order i placed",
        "add something to an existing order", "modify my purchase", "replace one article of my order",
    ),
    "track_order": (
        "see where my order is", "track my parcel", "check the status of my order", "follow my shipment",
        "find out where my package is now", "get the tracking of my delivery",
    ),
    "place_order": (
        "place an order", "order something from you", "buy a product in the shop", "make a purchase",
        "put in an order online", "check out what is in my basket",
    ),
    "delivery_options": (
        "know which delivery options there are", "choose how my parcel is shipped", "see the shipping methods",
        "find out what kinds of delivery you offer", "pick a way of delivery",
        "learn about express and standard shipping",
    ),
    "delivery_period": (
        "know how long delivery takes", "find out when my order will arrive", "see the expected delivery time",
        "learn how many days shipping needs", "get an estimate of the arrival date", "know when my parcel gets here",
    ),
    "set_up_shipping_address": (
        "add a shipping address", "enter a new delivery address", "set up an address for my parcels",
        "save a second address to ship to", "register a delivery address", "put in where to send my order",
    ),
    "change_shipping_address": (
        "change my shipping address", "correct the delivery address", "update where you ship my parcels",
        "edit the address on file", "move my delivery to another address", "fix a wrong shipping address",
    ),
    "check_invoice": (
        "look at my invoice", "check the bill of last month", "see what i was invoiced", "view my invoices",
        "go over the charges on my bill", "verify the amount on an invoice",
    ),
    "get_invoice": (
        "download my invoice", "get a copy of my bill", "receive the invoice by email", "have an invoice sent to me",
        "obtain a receipt as pdf", "request the bill for my purchase",
    ),
    "check_payment_methods": (
        "know which payment methods you take", "see how i can pay", "find out if you accept credit cards",
        "check the ways of payment", "learn whether i can pay with paypal", "see the list of payment options",
    ),
    "payment_issue": (
        "report a payment that failed", "solve a problem with my payment", "get help since my card was declined",
        "pay but the checkout shows an error", "fix a payment that does not go through",
        "sort out a charge that was refused",
    ),
    "check_refund_policy": (
        "know your refund policy", "find out when i can get my money back", "read the rules for refunds",
        "learn in which cases you refund", "see the conditions of your money-back guarantee",
        "check how refunds work",
    ),
    "get_refund": (
        "get a refund", "have my money returned", "be refunded for my purchase", "ask for my money back",
        "claim a reimbursement", "request a refund for an article",
    ),
    "track_refund": (
        "see where my refund is", "track my refund", "check the status of my reimbursement",
        "find out if my money is on its way back", "follow the progress of my refund",
        "know when the refunded amount arrives",
    ),
    "check_cancellation_fee": (
        "know the cancellation fee", "find out what cancelling costs", "see if there is a penalty for cancelling",
        "check the charge for early termination", "learn how much i pay when i cancel", "see the fee for withdrawing",
    ),
    "create_account": (
        "create an account", "sign up", "open a new account", "register as a customer", "set up a profile with you",
        "join your site",
    ),
    "delete_account": (
        "delete my account", "close my account for good", "remove my profile", "have my account erased",
        "get rid of my user account", "terminate my account",
    ),
    "edit_account": (
        "edit my account details", "change the data in my profile", "update my personal information",
        "correct my name in the account", "modify what my profile says", "change the phone number on my account",
    ),
    "switch_account": (
        "switch to another account", "use a different account", "change from one account to the other",
        "log in with my second account", "move over to my business account", "swap between my accounts",
    ),
    "recover_password": (
        "reset my password", "recover a forgotten password", "get a new password", "get back in without my password",
        "restore access since i forgot my pin", "change a password i no longer know",
    ),
    "registration_problems": (
        "solve a problem with signing up", "report that registration fails",
        "get help with an error while registering",
        "register but the form does not work", "finish my sign-up that is stuck", "fix that i cannot create a login",
    ),
    "contact_customer_service": (
        "contact customer service", "reach your support", "know the hours of customer care",
        "find your hotline number",
        "write an email to your help desk", "get in touch with the service team",
    ),
    "contact_human_agent": (
        "talk to a human", "speak with a real person", "chat with an agent instead of a bot",
        "be put through to somebody",
        "have a live operator", "get an actual employee on the line",
    ),
    "complaint": (
        "file a complaint", "complain about your service", "lodge a claim against you", "express that i am unhappy",
        "report bad treatment", "make a formal complaint",
    ),
    "review": (
        "leave a review", "write feedback about a product", "rate my purchase", "submit an opinion on your service",
        "post a comment about what i bought", "give stars to an article",
    ),
    "newsletter_subscription": (
        "subscribe to the newsletter", "get your news by email", "unsubscribe from the newsletter",
        "sign up for your mailing list", "stop receiving your newsletter", "manage my newsletter subscription",
    ),
    "gift_card": (
        "use a gift card", "redeem a voucher", "pay with a gift code", "check what is left on my gift card",
        "enter my coupon at checkout", "buy a gift card for a friend",
    ),
}

REGISTERS = (
    "how do i {}", "how can i {}", "i want to {}", "i need to {}", "i would like to {}", "can you help me to {}",
    "could you please tell me how to {}", "help me {}", "what do i have to do to {}", "is it possible to {}",
    "where do i {}", "i am trying to {}", "please assist me, i have to {}", "hi, i'd like to {}",
    "hello there, how to {}",
    "i don't know how to {}", "tell me how to {}", "any way to {}", "what are the steps to {}",
    "assistance needed to {}",
)

CITIES = """
Lyon Turin Porto Ghent Graz Bergen Aarhus Tartu Kaunas Brno Split Varna Cork Leeds Malmo Tampere Basel Utrecht
Leipzig Seville Nantes Bari Krakow Szeged Plovdiv Patras Bilbao Namur Linz Trondheim Odense Vilnius Riga
Ostrava Zadar Galway Bristol Uppsala Oulu Bern
""".split()
THINGS = """
accordion bassoon compost dynamo easel ferret glacier harpsichord iguana jigsaw kayak loom mandolin nebula
oboe pangolin quartz rhubarb sextant tundra ukulele volcano walrus xylophone yurt zeppelin abacus bonsai cello
dulcimer espresso falcon gazebo hammock igloo jasmine koala lantern magnet narwhal
""".split()
ONE_OFFS = (
    "what is the population of {city}", "who founded the city of {city}", "what is a typical dish of {city}",
    "how is the weather in {city} in april", "which river runs through {city}",
    "when was the university of {city} opened",
    "what does a {thing} cost to build", "who invented the {thing}", "how heavy is an average {thing}",
    "what is the origin of the word {thing}", "can a {thing} be repaired at home", "name a poem about a {thing}",
    "how do you draw a {thing}", "is there a museum of the {thing} in {city}", "what colour is a {thing} usually",
    "how old is the oldest {thing} in {city}", "translate {thing} into latin", "why is the {thing} famous in {city}",
    "write a limerick about a {thing} from {city}", "how far is it from {city} to the sea",
)
# fmt: on


def wordings(seed: int, per_intent: int = 300) -> dict[str, list[str]]:
    """Up to ``per_intent`` different wordings of each intent; no wording belongs to two intents."""
    made: dict[str, list[str]] = {}
    taken: set[str] = set()
    for intent, cores in INTENTS.items():
        rng = random.Random(f"{seed}/{intent}")
        plain = [register.format(core) for core in cores for register in REGISTERS]
        rng.shuffle(plain)
        texts: list[str] = []
        while len(texts) < per_intent:
            text = plain[len(texts)] if len(texts) < len(plain) else rng.choice(plain)
            text = _slip(text, rng)
            if text.lower() not in taken:
                taken.add(text.lower())
                texts.append(text)
        made[intent] = texts
    return made


def one_offs(seed: int, count: int) -> list[str]:
    """``count`` questions nobody asks twice, on other subjects than support; each text occurs once.

    Raises:
        ValueError: More were asked for than there are.
    """
    every = sorted({form.format(city=city, thing=thing) for form in ONE_OFFS for city in CITIES for thing in THINGS})
    if count > len(every):
        raise ValueError(f"at most {len(every)} one-off questions can be made here; asked for {count}")
    return random.Random(f"{seed}/one-offs").sample(every, count)


def _slip(text: str, rng: random.Random) -> str:
    """What hands do to a text: case, a final mark or none, sometimes a typo."""
    roll = rng.random()
    if roll < 0.25:
        at = rng.randrange(3, len(text) - 1)
        kind = rng.random()
        if kind < 0.4:
            text = text[:at] + text[at + 1 :]
        elif kind < 0.7:
            text = text[:at] + text[at] + text[at:]
        else:
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if rng.random() < 0.4:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.45:
        text += "?" if rng.random() < 0.8 else "."
    return text
