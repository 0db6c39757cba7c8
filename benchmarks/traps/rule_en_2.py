"""English templates: places, direction, roles, quantifiers, owners, modality, tense, audience, conditions."""

TEMPLATES = r"""
# places and direction
@ a, b, c = Porto, Vigo, Faro | Lyon, Turin, Nice | Graz, Zagreb, Linz | Malmo, Bergen, Uppsala
? How long is the drive from {a} to {b}?
+ form: How many hours does it take to go by car from {a} to {b}?
+ wording: Say I set out in {a} by car. When would I get to {b}, that is, after how long?
+ keywords: drive time {a} to {b}
- condition: How long is the drive from {a} to {b} with a night's stop halfway?
- entity: How long is the drive from {a} to {c}?
- attribute: How expensive is the drive from {a} to {b}?

@ a, b, c = London, New York, Boston | Tokyo, Sydney, Perth | Doha, Paris, Nice | Delhi, Rome, Milan
? When does the night flight from {a} to {b} take off?
+ synonym: At what time does the overnight flight from {a} to {b} depart?
+ contraction: When's the take-off of the night flight from {a} to {b}?
+ polite: Please tell me when the night flight from {a} to {b} takes off.
- direction: When does the night flight from {b} to {a} take off?
- polarity: When does the night flight from {a} to {b} land?
- entity: When does the night flight from {a} to {c} take off?

@ a, b = Excel, Google Sheets | Trello, Jira | Evernote, OneNote | Dropbox, Nextcloud
? How can I import my data from {a} into {b}?
+ synonym: How do I bring my {a} data over to {b}?
+ voice: How can my {a} data be imported into {b}?
+ telegram: My data, {a} to {b}, import how?
- direction: How can I import my data from {b} into {a}?
- entity: How can I import my data from {a} into {a*}?
- quantifier: How can I import only one item of my data from {a} into {b}?

@ a, b = Spanish, Polish | French, Korean | German, Turkish | Dutch, Arabic
? Can you recommend a tool that translates {a} into {b}?
+ form: Which tool would you recommend for translations from {a} to {b}?
+ polite: Would you be so kind as to recommend a tool that turns {a} into {b}?
+ keywords: recommended translation tool {a} to {b}
- direction: Can you recommend a tool that translates {b} into {a}?
- entity: Can you recommend a tool that translates {a} into {b*}?
- attribute: Can you recommend a teacher who speaks {a} and {b}?

@ a, b, c = Fahrenheit, Celsius, Kelvin | miles, kilometres, yards | acres, hectares, square feet
? What is the formula to convert {a} to {b}?
+ contraction: What's the formula for turning {a} into {b}?
+ form: How are {a} converted to {b} mathematically?
+ keywords: formula {a} to {b}
- direction: What is the formula to convert {b} to {a}?
- unit: What is the formula to convert {a} to {c}?
- question-type: Who introduced the formula to convert {a} to {b}?

@ a, b = Georgia, Armenia | Slovenia, Slovakia | Niger, Nigeria | Austria, Australia
? In what language are pupils taught at schools in {a}?
+ voice: In what language do schools in {a} teach their pupils?
+ form: Which is the language of instruction at schools in {a}?
+ register: Schools in {a}, what language do they teach in?
- entity: In what language are pupils taught at schools in {b}?
- tense: In what language were pupils taught at schools in {a} a century ago?
- attribute: What foreign languages are pupils taught at schools in {a}?

@ a, b = Springfield in Illinois, Springfield in Ohio | Birmingham in Alabama, Birmingham in England
? Where can I park a camper overnight in {a}?
+ form: Is there a place for leaving a camper overnight in {a}, and where?
+ keywords: overnight camper parking {a}
+ synonym: Where may a motorhome stand for the night in {a}?
- entity: Where can I park a camper overnight in {b}?
- question-type: What does it cost to park a camper overnight in {a}?
- attribute: Where can I rent a camper in {a}?

# roles
@ a, b = the buyer, the seller | the tenant, the owner | the patient, the hospital | the author, the publisher
? Can {a} sue {b} for breach of contract?
+ voice: Can {b} be sued by {a} for breach of contract?
+ form: Is it open to {a} to take {b} to court for breach of contract?
+ keywords: breach of contract {a} sues {b} possible
- role: Can {b} sue {a} for breach of contract?
- modality: Should {a} sue {b} for breach of contract?
- condition: Can {a} sue {b} for breach of contract after ten years?

@ a, b = Anna, Boris | Carla, Dmitri | Emil, Fatima | Grace, Hugo
? {a} lent {b} money and wants it back. What can {a} do?
+ voice: {b} was lent money by {a}, who wants it back. What can {a} do?
+ synonym: {b} borrowed money from {a}, who wants it returned. What can {a} do?
+ form: What are {a}'s options for getting back the money {a} lent {b}?
- role: {b} lent {a} money and wants it back. What can {b} do?
- negation: {a} lent {b} money and does not want it back. Is there a gift tax?
- modality: {a} lent {b} money and wants it back. What must {b} do by law?

@ a, b = Spain, England | Chile, Peru | Kenya, Ghana | Egypt, Morocco
? When did {a} last beat {b} at football?
+ voice: When was {b} last beaten by {a} at football?
+ synonym: What was the date of {a}'s most recent football win over {b}?
+ register: When's the last time {a} beat {b} at footy?
- role: When did {b} last beat {a} at football?
- quantifier: When did {a} first beat {b} at football?
- entity: When did {a} last beat {b*} at football?

@ a, b = cats, mice | owls, bats | spiders, wasps | otters, frogs
? Do {a} eat {b}?
+ voice: Are {b} eaten by {a}?
+ form: Are {b} part of the diet of {a}?
+ register: {b}: is that something {a} will eat?
- role: Do {b} eat {a}?
- question-type: How do {a} catch {b}?
- quantifier: Do {a} eat only {b}?

@ a, b = teacher, pupil | doctor, nurse | coach, player | captain, pilot
? What should a {a} do when a {b} complains?
+ reorder: When a {b} complains, what should a {a} do?
+ form: How should a {a} react to a complaint from a {b}?
+ contraction: What's a {a} supposed to do when a {b} complains?
- role: What should a {b} do when a {a} complains?
- tense: What should a {a} do before a {b} complains?
- question-type: Why would a {a} worry when a {b} complains?

# quantifiers and superlatives
@ o, n, v = mailboxes, folders, archive | contacts, notes, export | photos, videos, hide
| alarms, timers, mute
? How do I {v} all {o} at once?
+ form: Is there a way to {v} every one of the {o} in one go, and how?
+ synonym: How can I {v} the whole lot of {o} in a single step?
+ telegram: All {o}, {v} in one go. How?
- quantifier: How do I {v} a single one of the {o}?
- entity: How do I {v} all {n} at once?
- question-type: Why can I not {v} all {o} at once?

@ a, b = first, last | second, final | third, second | fifth, sixth
? What happens in the {a} episode of the series?
+ form: What is the {a} episode of the series about?
+ keywords: series {a} episode plot
+ polite: Could you sum up for me what happens in the {a} episode of the series?
- quantifier: What happens in the {b} episode of the series?
- question-type: When was the {a} episode of the series shown?
- quantifier: What happens in every episode of the series?

@ s, o, t = tallest, shortest, tree | fastest, slowest, snake | heaviest, lightest, bird
| oldest, youngest, volcano
? Which is the {s} {t} in the world?
+ form: What is the name of the world's {s} {t}?
+ reorder: In the whole world, which {t} is the {s}?
+ keywords: world's {s} {t}
- superlative: Which is the {o} {t} in the world?
- entity: Which is the {s} {t} in Europe?
- superlative: Which is the second {s} {t} in the world?

@ s, o = lightest, sturdiest | cheapest, warmest | smallest, largest | quietest, fastest
? I want the {s} tent in the range. Which one is it?
+ form: Which tent in the range is the {s}?
+ register: So which tent of yours is the {s} in the range?
+ telegram: Wanted: {s} tent in range. Which?
- superlative: I want the {o} tent in the range. Which one is it?
- entity: I want the {s} backpack in the range. Which one is it?
- negation: I do not want the {s} tent in the range. Which others are there?

@ w, x = any, all | some, none | most, few | all, half
? Is it a fault when {w} of the status lights turn red?
+ reorder: When {w} of the status lights turn red, is it a fault?
+ synonym: Does it mean a defect if {w} of the status lights turn red?
+ polite: Could you say whether it is a fault when {w} of the status lights turn red?
- quantifier: Is it a fault when {x} of the status lights turn red?
- attribute: Is it a fault when {w} of the status lights turn green?
- question-type: How do I repair the fault when {w} of the status lights turn red?

# owners
@ x, y = date of birth, postal address | e-mail address, bank details | phone number, family name
| username, avatar
? How do I change my {x}?
+ synonym: How can I update my {x}?
+ form: Where is the setting for changing my {x} and how do I use it?
+ typo: How do I chnage my {x}?
- scope: How do I change my customer's {x}?
- attribute: How do I change my {y}?
- polarity: How do I hide my {x}?

@ x, y = mother, neighbour | son, boss | wife, colleague | brother, tenant
? Can I open the letters of my {x}?
+ form: Am I allowed to open letters addressed to my {x}?
+ voice: Can letters to my {x} be opened by me?
+ register: Is it OK if I open my {x}'s letters?
- scope: Can I open the letters of my {y}?
- role: Can my {x} open my letters?
- question-type: Where do I forward the letters of my {x}?

@ x, y = passport, driving licence | work permit, health card | ID card, library card
| season ticket, parking permit
? When does my {x} run out?
+ synonym: When does my {x} expire?
+ form: Until when is my {x} valid?
+ contraction: When's my {x} going to run out?
- scope: When does my daughter's {x} run out?
- attribute: When does my {y} run out?
- tense: When did my old {x} run out?

# modality and tense
@ v, p, s = wear a tie, at the interview, put on a tie | bring a gift, to the dinner, take a present along
| show ID, at the polling station, present ID | take notes, in the lecture, write things down
? Do I have to {v} {p}?
+ synonym: Am I obliged to {v} {p}?
+ register: {p}, do I really gotta {v}?
+ wording: Is it required that I {s} {p}?
- modality: Am I allowed to {v} {p}?
- negation: Do I have to promise not to {v} {p}?
- tense: Did I have to {v} {p} last time?

@ v, g = record the call, recording the call | share the report, sharing the report
| store the data, storing the data
? Can we {v} without consent?
+ form: Is {g} allowed without consent?
+ reorder: Without consent, can we {v}?
+ keywords: {g} without consent allowed
- modality: Must we {v} without delay?
- negation: Can we {v} with consent?
- question-type: How can we {v} without an account?

@ e, g = the bridge, opened | the museum, renovated | the tunnel, closed | the library, moved
? When will {e} be {g}?
+ form: What is the planned date for {e} to be {g}?
+ contraction: When's {e} going to be {g}?
+ abbreviation: ETA for {e} being {g}?
- tense: When was {e} {g}?
- question-type: Why will {e} be {g}?
- modality: Should {e} be {g}?

@ a, b = the euro, introduced in Croatia | the ferry, replaced by a bridge | the law, changed by parliament
| the school, closed
? Was {a} {b} before 2020?
+ reorder: Before 2020, was {a} {b}?
+ form: Did it happen earlier than 2020 that {a} was {b}?
+ keywords: {a} {b} before 2020, yes or no
- date: Was {a} {b} before 2002?
- direction: Was {a} {b} after 2020?
- negation: Why was {a} not {b} before 2020?

@ p, q = minister, president | mayor, governor | trainer, manager | director, treasurer
? Who is the {p} at the moment?
+ synonym: Who is the current {p}?
+ form: Which person holds the post of {p} right now?
+ contraction: Who's the {p} at present?
- tense: Who was the previous {p}?
- tense: Who will be the next {p}?
- attribute: Who is the {q} at the moment?

# audience and conditions
@ a, b = dogs, cats | toddlers, teenagers | beginners, experts | seniors, students
? What games are suitable for {a} on a rainy day?
+ form: Which games would you suggest for {a} when it is raining?
+ keywords: rainy day games for {a}
+ polite: Could I ask you for games that suit {a} on a rainy day?
- audience: What games are suitable for {b} on a rainy day?
- polarity: What games are unsuitable for {a} on a rainy day?
- entity: What books are suitable for {a} on a rainy day?

@ a, b = women, men | children, adults | beginners, racers | nurses, cooks
? Which shoes are best for {a} with flat feet?
+ form: What kind of shoe suits {a} with flat feet best?
+ keywords: best shoes {a} flat feet
+ register: Flat feet: which shoes are the way to go for {a}?
- audience: Which shoes are best for {b} with flat feet?
- polarity: Which shoes are worst for {a} with flat feet?
- condition: Which shoes are best for {a} with flat feet who also need steel toecaps?

@ d, c, e = lasagne, gluten, eggs | brownies, sugar, nuts | curry, onions, dairy | pizza, yeast, cheese
? How do I make {d} without {c}?
+ form: What is a recipe for {d} that does not contain {c}?
+ keywords: {d} recipe no {c}
+ synonym: How can I cook {d} free of {c}?
- negation: How do I make {d} with extra {c}?
- condition: How do I make {d} without {c} and {e}?
- entity: How do I make {d*} without {c}?

@ t, c, o = the bike, it rains, it snows | the drone, it is windy, it is dark
| the grill, I live in a flat, I live by a forest
? May I use {t} if {c}?
+ reorder: If {c}, may I use {t}?
+ form: Is using {t} allowed in case {c}?
+ register: OK to use {t} even if {c}?
- condition: May I use {t} if {o}?
- modality: Must I use {t} if {c}?
- question-type: Where may I store {t} if {c}?

@ s, t = hay fever, sunburn | migraine, hiccups | eczema, warts | asthma, anaemia
? What causes {s}?
+ voice: What is {s} caused by?
+ synonym: Where does {s} come from?
+ wording: Doctors know why people get {s}. What are the reasons?
- attribute: What helps against {s}?
- entity: What causes {t}?
- question-type: How long does {s} last?

@ p, x, y = the sofa, width, price | the laptop, weight, warranty | the tent, colour, material
| the lamp, brightness, height
? What is the {x} of {p}?
+ contraction: What's the {x} of {p}?
+ form: Can you give me the {x} of {p}?
+ keywords: {p} {x}
- attribute: What is the {y} of {p}?
- entity: What is the {x} of {p*}?
- question-type: Why does the {x} of {p} matter?

@ t, g, u = close the shop, closing the shop, open the shop
| lock the door, locking the door, unlock the door | pause the game, pausing the game, resume the game
? Is it possible to {t} with the remote?
+ form: Does the remote allow {g}?
+ wording: I have a remote; can it be used to {t}?
+ typo: Is it posible to {t} with the remote?
- polarity: Is it possible to {u} with the remote?
- negation: Is it possible to {t} without the remote?
- quantifier: Is it only possible to {t} with the remote?

@ t, u = turned on, turned off | allowed, forbidden | visible, hidden | free, paid
? Which features are {t} by default?
+ reorder: By default, which features are {t}?
+ form: What are the features that are {t} if I change nothing?
+ contraction: Which features'll be {t} by default?
- polarity: Which features are {u} by default?
- negation: Which features are not {t} by default?
- question-type: Why are some features {t} by default?
"""
