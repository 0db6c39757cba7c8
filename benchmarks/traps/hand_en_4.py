"""English, by hand: geography, history, sport, science, school and coding."""

CLUSTERS = r"""
# geography
? What is the longest river in South America?
+ form: Which South American river has the greatest length?
+ keywords: longest river south america
+ contraction: What's the river with the greatest length in South America?
+ polite: Please name the longest river in South America.
- superlative: What is the shortest river in South America?
- entity: What is the longest river in North America?
- attribute: What is the longest mountain range in South America?
- question-type: How long is the longest river in South America?

? Which countries border Laos?
+ voice: By which countries is Laos bordered?
+ synonym: What are the neighbouring states of Laos?
+ form: Laos shares a border with which countries?
+ keywords: laos neighbouring countries
- entity: Which countries border Nepal?
- quantifier: Which country has the longest border with Laos?
- negation: Which countries of the region do not border Laos?
- question-type: How long is the border of Laos?

? Is Lake Victoria larger than Lake Michigan?
+ form: Does Lake Victoria have a larger area than Lake Michigan?
+ voice: Is Lake Michigan exceeded in size by Lake Victoria?
+ reorder: Compared with Lake Michigan, is Lake Victoria larger?
+ keywords: lake victoria larger than lake michigan
- role: Is Lake Michigan larger than Lake Victoria?
- comparison: Is Lake Victoria as deep as Lake Michigan?
- entity: Is Lake Victoria larger than Lake Superior?
- attribute: Is Lake Victoria older than Lake Michigan?

? What was the capital of Brazil before Brasilia?
+ form: Which city was Brazil's capital until Brasilia took over?
+ wording: Brasilia is fairly new as a seat of government. Which city did Brazil have as its capital just before?
+ keywords: brazil capital before brasilia
+ typo: What was the captial of Brazil before Brasilia?
- tense: What is the capital of Brazil today?
- question-type: When did Brasilia become the capital of Brazil?
- entity: What was the capital of Kazakhstan before Astana?
- attribute: What was the currency of Brazil before the real?

? How many people live in Iceland?
+ form: What is the population of Iceland?
+ keywords: iceland number of inhabitants
+ synonym: How many inhabitants does Iceland have?
+ contraction: What's Iceland's population?
- entity: How many people live in Ireland?
- question-type: Where do most people in Iceland live?
- tense: How many people lived in Iceland in 1900?
- polarity: How many people leave Iceland each year?

# history
? Who defeated Napoleon at Waterloo?
+ voice: By whom was Napoleon defeated at Waterloo?
+ form: Which commanders won against Napoleon at Waterloo?
+ synonym: Who beat Napoleon at Waterloo?
+ keywords: waterloo napoleon defeated by
- role: Whom did Napoleon defeat at Austerlitz?
- question-type: When was Napoleon defeated at Waterloo?
- entity: Who defeated Napoleon at Leipzig?
- polarity: Who fought for Napoleon at Waterloo?

? In which year did the Berlin Wall fall?
+ form: When did the fall of the Berlin Wall take place?
+ synonym: What year saw the Berlin Wall come down?
+ keywords: berlin wall fall year
+ typo: In which year did the Berlin Wal fall?
- polarity: In which year did the Berlin Wall go up?
- question-type: Why did the Berlin Wall fall?
- attribute: In which district of Berlin did people first cross when the Wall fell?
- entity: In which year did the walls of Constantinople fall?

? Who was the first woman to win a Nobel Prize?
+ form: Which woman was the earliest to receive a Nobel Prize?
+ synonym: What is the name of the first female Nobel laureate?
+ number-format: Who was the 1st woman to win a Nobel Prize?
+ keywords: first woman nobel prize winner
- quantifier: Who is the latest woman to win a Nobel Prize?
- audience: Who was the first African to win a Nobel Prize?
- number: Who was the second woman to win a Nobel Prize?
- condition: Who was the first woman to win a Nobel Prize for literature?

? Did Rome destroy Carthage before Corinth?
+ form: Was Carthage destroyed by Rome earlier than Corinth?
+ reorder: Before Corinth, did Rome destroy Carthage?
+ wording: Rome destroyed two cities, Carthage and Corinth. Was Carthage the one that fell first?
+ voice: Was Carthage destroyed by the Romans before Corinth was?
- direction: Did Rome destroy Corinth before Carthage?
- role: Did Carthage attack Rome before Corinth did?
- question-type: Why did Rome destroy Carthage and Corinth?
- polarity: Did Rome rebuild Carthage before Corinth?

? How long did the Hundred Years' War really last?
+ form: What was the true duration of the Hundred Years' War?
+ keywords: hundred years war actual duration
+ number-format: How long did the 100 Years' War really last?
+ synonym: How many years did the Hundred Years' War actually go on?
- entity: How long did the Seven Years' War really last?
- question-type: Where was the Hundred Years' War fought?
- attribute: How many battles did the Hundred Years' War really have?
- role: Who won the Hundred Years' War?

# sport
? How many players of one team are on the field in handball?
+ form: What is the number of players per side on court in a handball match?
+ keywords: handball players per team on field
+ number-format: How many players of 1 team are on the field in handball?
+ register: Handball: how many people does each side get to have out there?
- entity: How many players of one team are on the field in volleyball?
- attribute: How many substitutes of one team are on the bench in handball?
- number: How many players of both teams together are on the field in handball?
- question-type: How long are the players of one team on the field in handball?

? Who won the women's final in Paris in 2012?
+ form: What was the name of the winner of the 2012 women's final in Paris?
+ reorder: In 2012, who won the women's final in Paris?
+ voice: By whom was the women's final in Paris won in 2012?
+ keywords: winner women's final paris 2012
- audience: Who won the men's final in Paris in 2012?
- date: Who won the women's final in Paris in 2021?
- polarity: Who lost the women's final in Paris in 2012?
- entity: Who won the women's final in Rome in 2012?

? When is a player offside in football?
+ synonym: When does a footballer stand in an offside position?
+ form: Under what circumstances does football's offside rule apply to a player?
+ register: Explain offside to me: in football, when is a guy offside?
+ keywords: football offside rule conditions
- negation: When is a player not offside in football although he stands behind the last defender?
- entity: When is a player offside in ice hockey?
- attribute: When is a player sent off in football?
- tense: When was the offside rule in football introduced?

? How do I train for a half marathon in eight weeks?
+ number-format: How do I train for a half marathon in 8 weeks?
+ wording: My half marathon is eight weeks away. What should my training look like?
+ keywords: half marathon training plan eight weeks
+ abbreviation: How do I train for a half marathon in eight wks?
- entity: How do I train for a full marathon in eight weeks?
- number: How do I train for a half marathon in three weeks?
- unit: How do I train for a half marathon in eight months?
- tense: How do I recover in the eight weeks after a half marathon?

? Is the triple jump longer than the long jump?
+ form: Do athletes reach a greater distance in the triple jump than in the long jump?
+ reorder: Compared with the long jump, is the triple jump longer?
+ keywords: triple jump vs long jump longer
+ wording: Which is true: triple jumps cover more distance than long jumps, yes or no?
- role: Is the long jump longer than the triple jump?
- attribute: Is the triple jump harder than the long jump?
- entity: Is the triple jump longer than the running track?
- question-type: Why is the triple jump longer than the long jump?

# science
? At what temperature does water boil at an altitude of 2,000 metres?
+ number-format: At what temperature does water boil at an altitude of 2 km?
+ form: What is the boiling point of water 2,000 metres up?
+ keywords: water boiling point 2000 m altitude
+ reorder: At an altitude of 2,000 metres, at what temperature does water boil?
- number: At what temperature does water boil at an altitude of 200 metres?
- unit: At what temperature does water boil at an altitude of 2,000 feet?
- polarity: At what temperature does water freeze at an altitude of 2,000 metres?
- entity: At what temperature does alcohol boil at an altitude of 2,000 metres?

? Why is the sky blue?
+ form: What is the reason the sky looks blue?
+ contraction: What's the reason that the sky's blue?
+ keywords: why sky blue explanation
+ polite: Could you explain to me why the sky is blue?
- entity: Why is the sea blue?
- negation: Why is the sky not blue on Mars?
- tense: Why will the sky be red this evening?
- attribute: Why is the sky dark at night?

? Does light travel faster in water than in glass?
+ form: Is the speed of light higher in water than in glass?
+ voice: Is light slowed less by water than by glass?
+ keywords: light speed water vs glass faster
+ reorder: In water, does light travel faster than in glass?
- role: Does light travel faster in glass than in water?
- entity: Does sound travel faster in water than in glass?
- attribute: Does light bend more in water than in glass?
- superlative: In which material does light travel fastest?

? How many chromosomes does a human cell have?
+ form: What is the number of chromosomes in a cell of the human body?
+ keywords: human cell number of chromosomes
+ synonym: How many chromosomes are found in each cell of a person?
+ typo: How many chromosmes does a human cell have?
- audience: How many chromosomes does a chimpanzee cell have?
- entity: How many mitochondria does a human cell have?
- condition: How many chromosomes does a human egg cell have?
- question-type: How large are the chromosomes in a human cell?

? Which planet is closest to the Sun?
+ form: What is the innermost planet of the solar system?
+ synonym: Which planet is nearest to the Sun?
+ wording: Of all planets, which one goes around the Sun at the smallest distance?
+ typo: Which plannet is closest to the Sun?
- superlative: Which planet is farthest from the Sun?
- entity: Which planet is closest to the Earth?
- number: Which planet is the second closest to the Sun?
- attribute: Which planet is the hottest in the solar system?

? What do plants take in during photosynthesis?
+ voice: What is taken in by plants during photosynthesis?
+ synonym: Which substances do plants absorb in photosynthesis?
+ form: For photosynthesis, what goes into a plant?
+ keywords: photosynthesis substances plants absorb
- polarity: What do plants give off during photosynthesis?
- date: What do plants take in at night?
- audience: What do animals take in during digestion?
- question-type: Where in the plant does photosynthesis take place?

# school
? How do you find the area of a triangle from its three sides?
+ form: What formula gives a triangle's area when all three sides are known?
+ keywords: triangle area from three sides formula
+ number-format: How do you find the area of a triangle from its 3 sides?
+ voice: How is the area of a triangle found from its three sides?
- attribute: How do you find the angles of a triangle from its three sides?
- entity: How do you find the area of a rectangle from its sides?
- condition: How do you find the area of a triangle from one side and two angles?
- direction: How do you find the three sides of a triangle from its area and angles?

? What is 15 percent of 240?
+ number-format: What is 15% of 240?
+ form: How much do you get if you take 15 percent of 240?
+ contraction: What's fifteen percent of 240?
+ telegram: 240, 15 percent of it: how much?
- direction: 15 is what percent of 240?
- number: What is 50 percent of 240?
- polarity: What is 240 plus 15 percent?
- unit: What is 15 per mille of 240?

? Is "swim" an irregular verb?
+ form: Does the verb "swim" have irregular forms?
+ contraction: The verb "swim" isn't regular, right?
+ keywords: swim irregular verb yes or no
+ telegram: Verb "swim": irregular?
- entity: Is "skim" an irregular verb?
- question-type: What is the past tense of the verb "swim"?
- quantifier: Are all verbs of movement irregular?
- attribute: Is "swim" a transitive verb?

? Who wrote the novel Frankenstein?
+ voice: By whom was the novel Frankenstein written?
+ form: Which author is Frankenstein by?
+ synonym: Who is the author of the novel Frankenstein?
+ keywords: frankenstein novel author
- entity: Who wrote the novel Dracula?
- question-type: When was the novel Frankenstein written?
- attribute: Who played the monster in the first Frankenstein film?
- role: About whom did the author of Frankenstein write in her diary?

? Why do we say "an hour" and not "a hour"?
+ form: What is the reason it is "an hour" instead of "a hour"?
+ reorder: It is "an hour", not "a hour"; why do we say so?
+ wording: The word "hour" begins with a consonant letter, yet takes "an". How come?
+ register: How come it's "an hour" and never "a hour"?
- entity: Why do we say "a house" and not "an house"?
- attribute: How do we pronounce the word "hour"?
- question-type: When did people start to say "an hour"?
- role: Why do some people say "a hour" and not "an hour"?

# coding
? How do I sort a list in descending order in Python?
+ synonym: How can I order a Python list from largest to smallest?
+ keywords: python sort list descending
+ form: What is the Python way of sorting a list with the biggest value first?
+ reorder: In Python, how do I sort a list in descending order?
- polarity: How do I sort a list in ascending order in Python?
- entity: How do I sort a list in descending order in Ruby?
- attribute: How do I reverse a list in Python without sorting it?
- condition: How do I sort a list in descending order in Python by the second field?

? How do I rename a branch in git?
+ form: What is the git command that gives a branch another name?
+ synonym: How do I change the name of a git branch?
+ keywords: git rename branch
+ voice: How is a branch renamed in git?
- polarity: How do I delete a branch in git?
- entity: How do I rename a tag in git?
- question-type: How do I see when a branch was renamed in git?
- condition: How do I rename a branch in git on the remote?

? What is the difference between == and is in Python?
+ form: In Python, how does == differ from is?
+ keywords: python == versus is difference
+ contraction: What's the difference in Python between the operator == and the keyword is?
+ polite: Could someone explain how == and is differ in Python, please?
- code: What is the difference between == and = in Python?
- entity: What is the difference between == and === in JavaScript?
- question-type: Which is faster in Python, == or is?
- code: What is the difference between is and is not in Python?

? Why does my loop with while i <= n never end?
+ form: What makes the loop while i <= n run for ever?
+ contraction: Why doesn't my loop with while i <= n ever end?
+ register: My loop, while i <= n, just keeps going and going, why?
+ typo: Why does my loop with while i <= n nevr end?
- code: Why does my loop with while i >= n never run?
- negation: Why does my loop with while i <= n end too early?
- question-type: How many times does a loop with while i <= n run?
- polarity: Why does my loop with while i <= n never start?

? How do I read the file config.yaml in Go?
+ synonym: How can I load config.yaml from a Go program?
+ keywords: go read config.yaml file
+ form: What does it take for a Go program to read the file config.yaml?
+ reorder: In Go, how do I read the file config.yaml?
- code: How do I read the file config.toml in Go?
- polarity: How do I write the file config.yaml in Go?
- entity: How do I read the file config.yaml in Rust?
- question-type: Where should the file config.yaml live in a Go project?

? Is getUser called before onMount?
+ voice: Does the framework call getUser earlier than onMount?
+ form: Does the call of getUser happen before that of onMount?
+ reorder: Before onMount, is getUser called?
+ keywords: getUser called before onMount order
- code: Is getUsers called before onMount?
- direction: Is onMount called before getUser?
- modality: Must getUser be called before onMount?
- negation: Is getUser never called when onMount fails?

? How do I undo the last commit but keep my changes?
+ synonym: How can I take back the most recent commit without losing my changes?
+ keywords: git undo last commit keep changes
+ wording: I committed too early. How do I drop that commit and still have my edits?
+ typo: How do I undo the last comit but keep my changes?
- negation: How do I undo the last commit and not keep my changes?
- quantifier: How do I undo all commits but keep my changes?
- number: How do I undo the last five commits but keep my changes?
- polarity: How do I redo the last commit with my changes?

? Which HTTP status code means that a resource has moved permanently?
+ form: What is the HTTP status code for a permanent redirect of a resource?
+ keywords: http status code moved permanently
+ synonym: What HTTP code says that a resource is for good at another address?
+ typo: Which HTTP staus code means that a resource has moved permanently?
- polarity: Which HTTP status code means that a resource has moved temporarily?
- direction: What does HTTP status code 307 mean for a resource?
- question-type: Why would a server send an HTTP status code when a resource has moved permanently?
- attribute: Which HTTP status code means that a resource is locked?

? What changed in version 3.2 of the client library?
+ form: What are the changes that came with release 3.2 of the client library?
+ abbreviation: What changed in v3.2 of the client lib?
+ keywords: client library 3.2 changelog
+ polite: Could you summarise the changes in version 3.2 of the client library for me?
- version: What changed in version 2.3 of the client library?
- entity: What changed in version 3.2 of the server library?
- tense: What will change after version 3.2 of the client library?
- question-type: When was version 3.2 of the client library released?
"""
