"""English templates: numbers, units, dates, versions, currencies, plans, identifiers, comparisons."""

TEMPLATES = r"""
# numbers
@ n, word = 3, three | 5, five | 8, eight | 12, twelve | 20, twenty
? How do I split a PDF into {n} parts?
+ number-format: How do I split a PDF into {word} parts?
+ form: What is the easiest way of cutting a PDF up into {word} pieces?
+ keywords: split pdf {n} parts
- number: How do I split a PDF into {n*} parts?
- direction: How do I join {n} parts into one PDF?
- entity: How do I split a video into {n} parts?

@ n, word = 2, two | 4, four | 6, six | 10, ten | 15, fifteen
? How many tables do I need to seat {n} dozen wedding guests?
+ number-format: How many tables do I need to seat {word} dozen wedding guests?
+ reorder: To seat {n} dozen wedding guests, how many tables do I need?
+ form: What number of tables will be enough for {n} dozen guests at a wedding?
- number: How many tables do I need to seat {n*} dozen wedding guests?
- attribute: How many bottles of wine do I need for {n} dozen wedding guests?
- unit: How many tables do I need to seat {n} wedding guests?

@ n, m = 1,500, one and a half thousand | 3,000, three thousand | 6,000, six thousand | 9,000, nine thousand
? How long does it take to walk {n} steps?
+ number-format: How long does it take to walk {m} steps?
+ synonym: How much time do I need for a walk of {n} steps?
+ keywords: time needed to walk {n} steps
- number: How long does it take to walk {n*} steps?
- unit: How long does it take to walk {n} miles?
- attribute: How many calories does it take to walk {n} steps?

@ a, aw = 25, twenty-five | 40, forty | 55, fifty-five | 70, seventy
? Which exercises are good for a {a}-year-old with back pain?
+ number-format: Which exercises are good for a {aw}-year-old with back pain?
+ wording: I am {a} and my back hurts. What exercises would do me good?
+ form: What should someone aged {a} do as exercise against back pain?
- number: Which exercises are good for a {a*}-year-old with back pain?
- polarity: Which exercises are bad for a {a}-year-old with back pain?
- attribute: Which exercises are good for a {a}-year-old with knee pain?

@ r, rw = 2, two | 3, three | 5, five | 7, seven
? Can the job be retried at most {r} times?
+ number-format: Can the job be retried at most {rw} times?
+ synonym: Is it possible to limit the job to a maximum of {r} retries?
+ voice: Can I have the scheduler retry the job no more than {r} times?
- comparison: Can the job be retried at least {r} times?
- number: Can the job be retried at most {r*} times?
- modality: Must the job be retried {r} times?

# units
@ v, vw, place = 3, three, Nairobi | 6, six, La Paz | 9, nine, Oslo | 12, twelve, Hanoi
? How much rain falls in {place} in {v} hours of heavy storm?
+ number-format: How much rain falls in {place} in {vw} hours of heavy storm?
+ reorder: In {place}, how much rain falls in {v} hours of heavy storm?
+ form: What amount of rain do {v} hours of heavy storm bring to {place}?
- unit: How much rain falls in {place} in {v} days of heavy storm?
- entity: How much rain falls in {place*} in {v} hours of heavy storm?
- number: How much rain falls in {place} in {v*} hours of heavy storm?

@ q, w = 20, twenty | 30, thirty | 45, forty-five | 60, sixty
? Is it too much for a beginner to run {q} kilometres a week?
+ number-format: Is it too much for a beginner to run {w} kilometres a week?
+ abbreviation: Is it too much for a beginner to run {q} km/week?
+ form: Should someone new to running do {q} kilometres a week, or is that excessive?
- unit: Is it too much for a beginner to run {q} miles a week?
- unit: Is it too much for a beginner to run {q} kilometres a day?
- audience: Is it too much for a professional to run {q} kilometres a week?

@ t, tw = 5, five | 10, ten | 30, thirty | 45, forty-five
? How much does the backup slow things down if it runs every {t} minutes?
+ number-format: How much does the backup slow things down if it runs every {tw} minutes?
+ abbreviation: How much does the backup slow things down if it runs every {t} min?
+ reorder: If the backup runs every {t} minutes, how much does it slow things down?
- unit: How much does the backup slow things down if it runs every {t} days?
- number: How much does the backup slow things down if it runs every {t*} minutes?
- polarity: How much does the backup speed things up if it runs every {t} minutes?

@ w, ww = 40, forty | 65, sixty-five | 80, eighty | 90, ninety
? How many calories should a woman of {w} kg eat to keep her weight?
+ number-format: How many calories should a woman of {ww} kilograms eat to keep her weight?
+ wording: I am a woman and weigh {w} kg. What calorie intake holds my weight where it is?
+ keywords: calories maintain weight woman {w} kg
- unit: How many calories should a woman of {w} stone eat to keep her weight?
- audience: How many calories should a man of {w} kg eat to keep his weight?
- polarity: How many calories should a woman of {w} kg eat to lose weight?

@ g, item, other = 250, butter, sugar | 400, rice, barley | 150, oats, bran | 500, pasta, lentils
? How many cups are {g} grams of {item}?
+ abbreviation: How many cups are {g} g of {item}?
+ form: If I measure {g} grams of {item} in cups, how many is that?
+ keywords: {g} grams {item} in cups
- unit: How many tablespoons are {g} grams of {item}?
- entity: How many cups are {g} grams of {other}?
- number: How many cups are {g*} grams of {item}?

# dates and times
@ t, f, clash = 3 pm, 15:00, 3 am | 7 pm, 19:00, 7 am | 9 pm, 21:00, 9 am | 5 pm, 17:00, 5 am
? Is the swimming pool still open at {t}?
+ number-format: Is the swimming pool still open at {f}?
+ form: Can I still go to the swimming pool at {t}?
+ register: Pool still open at {t}, the swimming one I mean?
- date: Is the swimming pool still open at {clash}?
- date: Is the swimming pool already open at {t*}?
- entity: Is the sauna still open at {t}?

@ d, s = Monday, Mon. | Tuesday, Tue. | Thursday, Thu. | Saturday, Sat.
? Who is on call on {d} night?
+ abbreviation: Who is on call on {s} night?
+ form: Which of us has the on-call shift on {d} night?
+ voice: By whom is the on-call shift on {d} night covered?
- date: Who is on call on {d*} night?
- date: Who is on call on {d} morning?
- tense: Who was on call last {d} night?

@ m, s = January, Jan. | March, Mar. | August, Aug. | November, Nov.
? What is the weather in Lisbon like in {m}?
+ abbreviation: What is the weather in Lisbon like in {s}?
+ keywords: lisbon weather {m}
+ wording: I plan a trip to Lisbon in {m}. What sort of weather should I expect?
- date: What is the weather in Lisbon like in {m*}?
- attribute: What do hotels in Lisbon cost in {m}?
- tense: What was the weather in Lisbon like last {m}?

@ y, w = 1848, the Paris revolt | 1905, the Russian uprising | 1929, the market crash
| 1968, the student protests
? What led to {w} of {y}?
+ synonym: What were the causes of {w} of {y}?
+ voice: By what was {w} of {y} brought about?
+ contraction: What's the reason {w} of {y} came about?
- entity: What led to {w*} of {y*}?
- direction: What did {w} of {y} lead to?
- question-type: How long did {w} of {y} last?

@ q, w = Q1, first | Q2, second | Q3, third | Q4, fourth
? What were our sales in {q} of last year?
+ number-format: What were our sales in the {w} quarter of last year?
+ synonym: How much did we sell in {q} of last year?
+ voice: What was sold by us in {q} of last year, in total?
- date: What were our sales in {q*} of last year?
- tense: What will our sales be in {q} of next year?
- scope: What were our competitor's sales in {q} of last year?

@ c, deadline = Monday, noon | Wednesday, 4 pm | Friday, 10 am | Sunday, midnight
? Must the form arrive by {c}, {deadline}?
+ form: Is {c}, {deadline}, the latest time for the form to be there?
+ synonym: Does the form have to reach you no later than {c}, {deadline}?
+ polite: Would you please tell me if the form has to arrive by {c}, {deadline}?
- date: Must the form arrive by {c*}, {deadline}?
- comparison: Is the form refused if it arrives before {c}, {deadline}?
- modality: Can I hand the form in by myself on {c}, {deadline}?

# versions
@ v, o = 3.11, 3.8 | 3.12, 3.9 | 3.13, 3.10 | 2.7, 2.4
? Which platforms does Python {v} support?
+ voice: Which platforms are supported by Python {v}?
+ form: On what platforms can I run Python {v}?
+ abbreviation: Which platforms does Py {v} support?
- version: Which platforms does Python {o} support?
- negation: Which platforms does Python {v} not support?
- question-type: Until when is Python {v} supported?

@ v, o = 14, 12 | 16, 13 | 17, 11 | 15, 9
? How do I move a PostgreSQL {o} database to version {v}?
+ synonym: How can I upgrade a database from PostgreSQL {o} to {v}?
+ keywords: postgresql upgrade {o} to {v}
+ abbreviation: How do I move a Postgres {o} DB to version {v}?
- direction: How do I move a PostgreSQL {v} database back to version {o}?
- entity: How do I move a MariaDB {o} database to version {v}?
- question-type: Why should I move a PostgreSQL {o} database to version {v}?

@ v, o = 10, 11 | 7, 8 | 8.1, 10 | 11, 7
? Will the scanner software run on Windows {v}?
+ form: Is the scanner software compatible with Windows {v}?
+ abbreviation: Will the scanner SW run on Win {v}?
+ register: Got Windows {v}, is the scanner software gonna work?
- version: Will the scanner software run on Windows {o}?
- entity: Will the scanner software run on Ubuntu?
- attribute: Will the scanner software cost extra on Windows {v}?

@ a, b = 1.4.2, 1.2.4 | 2.0.1, 2.1.0 | 0.9.6, 0.6.9 | 5.3.1, 5.1.3
? Is the memory leak fixed in release {a} of the server?
+ voice: Did you fix the server's memory leak in release {a}?
+ form: Does release {a} of the server come without the memory leak?
+ abbreviation: Is the mem leak fixed in rel. {a} of the server?
- version: Is the memory leak fixed in release {b} of the server?
- attribute: Is the login bug fixed in release {a} of the server?
- polarity: Was the memory leak introduced in release {a} of the server?

@ p, r = iPhone 12, iPhone 15 | Pixel 6, Pixel 9 | Galaxy S21, Galaxy S24 | iPad 9, iPad 10
? Does the rugged case for the {p} fit the {r}?
+ form: Can I use the {p} rugged case on the {r}?
+ wording: I own a rugged case made for the {p}. Will the {r} go into it?
+ keywords: rugged case {p} fits {r}
- direction: Does the rugged case for the {r} fit the {p}?
- version: Does the rugged case for the {p} fit the {p*}?
- attribute: Does the charger for the {p} fit the {r}?

# currencies
@ n, c, code, o = 100, euros, EUR, yen | 250, dollars, USD, rupees | 40, pounds, GBP, lira
| 900, francs, CHF, pesos
? Do I have to declare a gift worth {n} {c} at customs?
+ abbreviation: Do I have to declare a gift worth {n} {code} at customs?
+ form: Is a gift worth {n} {c} subject to customs declaration?
+ register: Bringing in a present worth {n} {c}, do I gotta declare it at customs?
- currency: Do I have to declare a gift worth {n} {o} at customs?
- comparison: Do I have to declare a gift worth less than {n} {c} at customs?
- entity: Do I have to declare cash worth {n} {c} at customs?

@ s, l, o = €20, 20 euros, $20 | $75, 75 dollars, £75 | £15, 15 pounds, €15 | ¥5000, 5000 yen, ₩5000
? Can I get a day ticket for under {s}?
+ number-format: Can I get a day ticket for under {l}?
+ form: Are there day tickets that cost less than {s}?
+ synonym: Is a day pass to be had below {s}?
- currency: Can I get a day ticket for under {o}?
- comparison: Do day tickets cost over {s}?
- unit: Can I get a week ticket for under {s}?

@ a, b, c = dollars, rupees, dinars | euros, zlotys, korunas | pounds, rand, rupiah | yen, baht, won
? Where do I get the best rate for changing {a} into {b}?
+ form: Which exchange office pays most when I change {a} to {b}?
+ keywords: best exchange rate {a} to {b} where
+ voice: Where are {a} changed into {b} at the best rate?
- direction: Where do I get the best rate for changing {b} into {a}?
- currency: Where do I get the best rate for changing {a} into {c}?
- superlative: Where do I get the worst rate for changing {a} into {b}?

@ p, c, o = 30, Canadian, Australian | 80, Singapore, Hong Kong | 45, Australian, US | 120, US, Canadian
? How much tax is there on a salary of {p} {c} dollars an hour?
+ synonym: What do I pay in tax when I earn {p} {c} dollars per hour?
+ reorder: On a salary of {p} {c} dollars an hour, how much tax is there?
+ keywords: tax on hourly salary {p} {c} dollars
- currency: How much tax is there on a salary of {p} {o} dollars an hour?
- unit: How much tax is there on a salary of {p} {c} dollars a day?
- number: How much tax is there on a salary of {p*} {c} dollars an hour?

# plans
@ a, b = Starter, Team | Pro, Enterprise | Free, Pro | Silver, Gold
? How many seats come with the {a} plan?
+ form: What number of seats is included in the {a} plan?
+ contraction: How many seats'll I get with the {a} plan?
+ polite: May I ask how many seats the {a} plan comes with?
- plan: How many seats come with the {b} plan?
- attribute: How many support hours come with the {a} plan?
- comparison: Which plan comes with more seats than the {a} plan?

@ a, b = Bronze, Platinum | Basic, Premium | Lite, Max | Student, Family
? How do I switch from {a} to {b} in the middle of a month?
+ synonym: How can I change my {a} plan to {b} mid-month?
+ reorder: In the middle of a month, how do I switch from {a} to {b}?
+ telegram: Mid-month switch, {a} to {b}. How?
- plan: How do I switch from {a} to {a*} in the middle of a month?
- direction: How do I switch from {b} to {a} in the middle of a month?
- date: How do I switch from {a} to {b} at the end of a year?

@ a, b = the economy cabin, business class | the standard room, the junior suite
| the day pass, the season ticket
? Is Wi-Fi free with {a}?
+ form: Do I get Wi-Fi at no charge with {a}?
+ keywords: free wi-fi with {a}
+ contraction: If I book {a}, isn't Wi-Fi free?
- plan: Is Wi-Fi free with {b}?
- attribute: Is parking free with {a}?
- question-type: How do I log in to the Wi-Fi with {a}?

@ a, b = Basic, Plus | Silver, Platinum | Solo, Group | Junior, Senior
? Does {a} insurance pay for broken glasses?
+ synonym: Are broken spectacles covered by {a} insurance?
+ keywords: {a} insurance broken glasses covered
+ register: Broke my glasses, will {a} insurance cough up?
- plan: Does {b} insurance pay for broken glasses?
- attribute: Does {a} insurance pay for hearing aids?
- question-type: How much does {a} insurance pay for broken glasses?

# identifiers
@ a, b = E1042, E1024 | E2071, E2017 | F305, F350 | H19, H91
? My boiler shows error {a}. What does it mean?
+ form: What is the meaning of error {a} on my boiler?
+ keywords: boiler error {a} meaning
+ register: Boiler's flashing {a} at me, some error, what is it?
- code: My boiler shows error {b}. What does it mean?
- entity: My dishwasher shows error {a}. What does it mean?
- question-type: My boiler shows error {a}. How do I clear it?

@ a, b = parse_date, parse_dates | get_user, set_user | readLine, readLines | to_json, from_json
? What are the arguments of {a} in this library?
+ form: Which arguments does {a} from this library take?
+ abbreviation: What are the args of {a} in this lib?
+ contraction: What're the parameters {a} expects in this library?
- code: What are the arguments of {b} in this library?
- attribute: What are the exceptions raised by {a} in this library?
- question-type: Which module of this library defines {a}?

@ a, b, l = <, <=, Rust | ==, !=, Kotlin | &&, ||, Java | ++i, i++, C
? How is the expression with {a} evaluated in {l}?
+ voice: How does {l} evaluate the expression with {a}?
+ reorder: In {l}, how is the expression with {a} evaluated?
+ form: What rules does {l} follow when it evaluates the expression with {a}?
- code: How is the expression with {b} evaluated in {l}?
- entity: How is the expression with {a} evaluated in PHP?
- negation: Why is the expression with {a} not evaluated in {l}?

@ a, b = 192.168.1.10, 192.168.1.100 | 10.0.0.5, 10.0.5.0 | 172.16.2.1, 172.16.1.2 | 8.8.8.8, 8.8.4.4
? Why can I not reach the host {a}?
+ contraction: Why can't I reach the host {a}?
+ form: What keeps me from reaching the host {a}?
+ typo: Why can I not raech the host {a}?
- code: Why can I not reach the host {b}?
- question-type: When can I reach the host {a} again?
- polarity: Why can everybody reach the host {a}?

@ a, b = gate B12, gate B21 | seat 14C, seat 14G | room 308, room 380 | bus 66X, bus 66
? How do I get to {a} with a wheelchair?
+ wording: I use a wheelchair; which way is it to {a}?
+ keywords: {a} wheelchair access way
+ polite: Could you please explain how to get to {a} with a wheelchair?
- code: How do I get to {b} with a wheelchair?
- condition: How do I get to {a} with a wheelchair when the lift is broken?
- attribute: How wide is the way to {a} for a wheelchair?

# comparisons
@ n, nw, t = 18, eighteen, rent a scooter | 21, twenty-one, buy spirits | 16, sixteen, open an account
| 25, twenty-five, hire a van
? Can people older than {n} {t} without a parent?
+ number-format: Can people older than {nw} {t} without a parent?
+ reorder: Without a parent, can people older than {n} {t}?
+ form: Are people above {n} years of age able to {t} without a parent?
- comparison: Can people younger than {n} {t} without a parent?
- number: Can people older than {n*} {t} without a parent?
- question-type: Where can people older than {n} {t} without a parent?

@ n, o = 10 percent, 10 dollars | 5 percent, 5 dollars | 20 percent, 20 dollars | 30 percent, 30 dollars
? Which funds lost more than {n} last year?
+ synonym: Which funds fell by over {n} last year?
+ form: What are the funds whose loss last year was above {n}?
+ keywords: funds loss more than {n} last year
- comparison: Which funds lost less than {n} last year?
- polarity: Which funds gained more than {n} last year?
- unit: Which funds lost more than {o} per share last year?

@ a, b, adj = copper, silver, conductive | oak, birch, durable | wool, cotton, elastic
| steel, titanium, dense
? Is {a} more {adj} than {b}?
+ form: Would you call {a} the more {adj} of the two, compared with {b}?
+ reorder: Compared with {b}, is {a} more {adj}?
+ keywords: {a} vs {b}: is {a} more {adj}
- role: Is {b} more {adj} than {a}?
- polarity: Is {a} less {adj} than {b}?
- attribute: Is {a} more expensive than {b}?
"""
