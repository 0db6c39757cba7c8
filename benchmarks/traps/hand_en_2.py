"""English, by hand: banking, travel, work and the law."""

CLUSTERS = r"""
# banking
? How do I raise the daily limit of my debit card?
+ synonym: How can I increase the amount my debit card lets me spend per day?
+ keywords: debit card increase daily limit
+ form: What do I need to do to get a higher daily limit on my debit card?
+ typo: How do I raise the daily limt of my debit card?
- polarity: How do I lower the daily limit of my debit card?
- entity: How do I raise the daily limit of my credit card?
- unit: How do I raise the monthly limit of my debit card?
- question-type: What is the daily limit of my debit card?

? How long does a transfer from Germany to Brazil take?
+ form: When will money sent from Germany arrive in Brazil?
+ keywords: transfer germany to brazil duration
+ wording: I am wiring money from a German account to a Brazilian one. How many days until it is there?
+ contraction: How long's a transfer from Germany to Brazil going to take?
- direction: How long does a transfer from Brazil to Germany take?
- entity: How long does a transfer from Germany to Bolivia take?
- attribute: What does a transfer from Germany to Brazil cost?
- condition: How long does an instant transfer from Germany to Brazil take at the weekend?

? What is the fee for withdrawing 200 dollars abroad?
+ number-format: What is the fee for withdrawing $200 abroad?
+ synonym: How much am I charged when I take out 200 dollars in a foreign country?
+ keywords: fee withdraw 200 dollars abroad
+ polite: Could I ask what it costs to withdraw 200 dollars abroad?
- currency: What is the fee for withdrawing 200 francs abroad?
- number: What is the fee for withdrawing 2,000 dollars abroad?
- polarity: What is the fee for depositing 200 dollars abroad?
- condition: What is the fee for withdrawing 200 dollars abroad with the Gold card?

? Can I have more than one savings account?
+ form: Am I allowed to hold several savings accounts?
+ register: Is it OK to have a couple of savings accounts at the same time?
+ number-format: Can I have more than 1 savings account?
+ typo: Can I have more than one savngs account?
- comparison: Can I have less than 1 euro on my savings account?
- entity: Can I have more than one current account?
- role: Can more than one person have my savings account?
- modality: Should I have more than one savings account?

? I entered the wrong PIN three times. What now?
+ number-format: I entered the wrong PIN 3 times. What now?
+ wording: My card got refused after the third false PIN. How do I go on?
+ voice: The wrong PIN was entered three times by me. What should be done now?
+ keywords: wrong pin three times what to do
- number: I entered the wrong PIN once. What now?
- negation: I have not received a PIN. What now?
- scope: Someone else entered a wrong PIN on my card three times. Who was it?
- modality: How many times may I enter a wrong PIN?

? Does the bank charge interest when my account is overdrawn by less than 100 euros?
+ reorder: When my account is overdrawn by less than 100 euros, does the bank charge interest?
+ form: Do I pay interest on an overdraft below 100 euros?
+ voice: Is interest charged by the bank on an overdraft of under 100 euros?
+ number-format: Does the bank charge interest when my account is overdrawn by less than €100?
- comparison: Does the bank charge interest when my account is overdrawn by more than 100 euros?
- polarity: Does the bank pay interest when my account holds less than 100 euros?
- currency: Does the bank charge interest when my account is overdrawn by less than 100 pesos?
- attribute: Does the bank send a letter when my account is overdrawn by less than 100 euros?

? Who lends money to students without a guarantor?
+ voice: By whom is money lent to students who have no guarantor?
+ synonym: Which lenders give loans to students that lack a guarantor?
+ keywords: student loan lenders no guarantor
+ register: Anyone out there who'll lend a student cash with no guarantor?
- negation: Who lends money to students with a guarantor?
- audience: Who lends money to pensioners without a guarantor?
- role: To whom do students lend money without a guarantor?
- question-type: Why would nobody lend money to students without a guarantor?

? When is the first instalment of the mortgage due?
+ form: By what date do I have to pay the first mortgage instalment?
+ synonym: When must the initial mortgage payment be made?
+ telegram: Mortgage, first instalment, due when?
+ number-format: When is the 1st instalment of the mortgage due?
- quantifier: When is the last instalment of the mortgage due?
- attribute: How high is the first instalment of the mortgage?
- entity: When is the first instalment of the car loan due?
- tense: When was the first instalment of the mortgage paid?

? Is money in a joint account protected if the bank fails?
+ reorder: If the bank fails, is money in a joint account protected?
+ synonym: Are deposits in a shared account safe in case the bank goes bankrupt?
+ keywords: joint account deposit protection bank failure
+ polite: I'd like to know, please, whether money in a joint account is protected if the bank fails.
- entity: Are shares in a depot protected if the bank fails?
- comparison: Is money in a joint account better protected than in a single account if the bank fails?
- condition: Is money in a joint account protected if one of the holders dies?
- number: Is more than 250,000 in a joint account protected if the bank fails?

# travel
? Do I need a visa to travel from India to Japan?
+ form: Is a visa required for a trip from India to Japan?
+ register: Going from India to Japan, do I have to get a visa?
+ keywords: visa needed india to japan
+ voice: Is a visa required of travellers who go from India to Japan?
- direction: Do I need a visa to travel from Japan to India?
- entity: Do I need a visa to travel from India to Jordan?
- attribute: Do I need a vaccination to travel from India to Japan?
- question-type: Where do I get a visa to travel from India to Japan?

? What time does the last train from Leeds to York leave on Sundays?
+ wording: On a Sunday, when is the latest train I can catch from Leeds to York?
+ keywords: last train leeds to york sunday time
+ synonym: At what time does the final Sunday train from Leeds to York depart?
+ abbreviation: What time does the last train from Leeds to York leave on Sun.?
- quantifier: What time does the first train from Leeds to York leave on Sundays?
- direction: What time does the last train from York to Leeds leave on Sundays?
- date: What time does the last train from Leeds to York leave on Mondays?
- polarity: What time does the last train from Leeds to York arrive on Sundays?

? Can I take a bottle of 100 ml in my hand luggage?
+ form: Is a 100 ml bottle allowed in cabin baggage?
+ synonym: May I carry a bottle of 100 millilitres in my carry-on?
+ number-format: Can I take a bottle of 0.1 l in my hand luggage?
+ typo: Can I take a bottle of 100 ml in my hand lugage?
- unit: Can I take a bottle of 100 cl in my hand luggage?
- number: Can I take a bottle of 150 ml in my hand luggage?
- entity: Can I take a bottle of 100 ml in my checked luggage?
- modality: Must I show a bottle of 100 ml in my hand luggage at security?

? How much is a taxi from the airport to the old town?
+ form: What does a cab ride from the airport to the old town cost?
+ keywords: taxi fare airport to old town
+ contraction: What's the fare for a taxi from the airport to the old town?
+ register: How much do taxis charge to get you from the airport into the old town?
- attribute: How long is a taxi ride from the airport to the old town?
- entity: How much is a taxi from the old town to the harbour?
- entity: How much is a bus ticket from the airport to the old town?
- condition: How much is a taxi from the airport to the old town after midnight?

? My flight was cancelled. Am I entitled to compensation?
+ form: Do I get compensation for a flight that was cancelled?
+ voice: The airline cancelled my flight. Can compensation be claimed by me?
+ keywords: flight cancelled entitled compensation
+ polite: Good morning, my flight was cancelled; would you tell me if I'm entitled to compensation?
- role: I cancelled my flight. Am I entitled to a refund?
- attribute: My flight was overbooked. Am I entitled to an upgrade?
- question-type: My flight was cancelled. How high is the compensation?
- negation: My flight was not cancelled but I missed it. Am I entitled to compensation?

? Is breakfast included in the room rate?
+ synonym: Does the price of the room cover breakfast?
+ register: Do we get breakfast with the room or is that extra?
+ keywords: room rate breakfast included
+ typo: Is breakfast includd in the room rate?
- entity: Is dinner included in the room rate?
- question-type: What time is breakfast served?
- negation: Which rooms do not include breakfast in the rate?
- attribute: Is the tourist tax included in the room rate?

? Can we check in at 3 pm?
+ number-format: Can we check in at 15:00?
+ form: Is check-in possible at three in the afternoon?
+ synonym: May we move into our room at 3 p.m.?
+ polite: Would it be all right to check in at 3 pm, please?
- date: Can we check in at 3 am?
- polarity: Can we check out at 3 pm?
- number: Can we check in at 1 pm?
- modality: Do we have to check in at 3 pm?

? Which is farther from Madrid, Seville or Valencia?
+ synonym: Which of the two is at a greater distance from Madrid: Valencia or Seville?
+ form: Is Seville or Valencia more distant from Madrid?
+ keywords: madrid distance seville vs valencia which farther
+ reorder: Seville or Valencia: which is farther from Madrid?
- superlative: Which is nearer to Madrid, Seville or Valencia?
- entity: Which is farther from Malaga, Seville or Valencia?
- attribute: Which is bigger, Seville or Valencia?
- direction: Which is farther from Seville, Madrid or Valencia?

? What vaccinations do children need before travelling to Kenya?
+ reorder: Before travelling to Kenya, what vaccinations do children need?
+ synonym: Which jabs are required for kids who go to Kenya?
+ keywords: kenya travel vaccinations children
+ voice: What vaccinations are needed by children before a trip to Kenya?
- audience: What vaccinations do pregnant women need before travelling to Kenya?
- entity: What vaccinations do children need before travelling to Cuba?
- tense: What vaccinations do children need after returning from Kenya?
- attribute: What documents do children need before travelling to Kenya?

# work
? How many days of holiday do I get in my first year?
+ synonym: How much annual leave am I entitled to during my first year?
+ number-format: How many days of holiday do I get in my 1st year?
+ wording: I started this year. How many days off do I have until my first anniversary?
+ keywords: first year holiday days entitlement
- number: How many days of holiday do I get in my fifth year?
- attribute: How many days of sick leave do I get in my first year?
- audience: How many days of holiday do apprentices get in their first year?
- question-type: When can I take my holiday in my first year?

? Can my manager refuse my request for parental leave?
+ form: Is my manager allowed to turn down a request for parental leave?
+ voice: Can my request for parental leave be refused by my manager?
+ register: Can the boss just say no to my parental leave?
+ typo: Can my manager refuse my request for parentl leave?
- modality: Must my manager approve my request for parental leave in writing?
- role: Can I refuse my manager's request to end parental leave early?
- entity: Can my manager refuse my request for unpaid leave?
- question-type: How do I make a request for parental leave to my manager?

? What notice period applies if I resign after two years?
+ wording: I have been here for two years and want to quit. How much notice must I give?
+ number-format: What notice period applies if I resign after 2 years?
+ reorder: If I resign after two years, what notice period applies?
+ keywords: notice period resignation after two years
- role: What notice period applies if the company dismisses me after two years?
- number: What notice period applies if I resign after ten years?
- unit: What notice period applies if I resign after two months?
- attribute: What severance applies if I am made redundant after two years?

? Who approves expenses above 500 dollars?
+ voice: By whom are expenses above 500 dollars approved?
+ synonym: Who signs off expenses of more than 500 dollars?
+ number-format: Who approves expenses above five hundred dollars?
+ keywords: approval expenses over 500 dollars who
- comparison: Who approves expenses below 500 dollars?
- polarity: Who rejected expenses above 500 dollars?
- currency: Who approves expenses above 500 yen?
- question-type: Why do expenses above 500 dollars need approval?

? Do part-time staff get a Christmas bonus?
+ form: Is there a Christmas bonus for employees who work part-time?
+ synonym: Are part-timers paid a bonus at Christmas?
+ abbreviation: Do PT staff get a Christmas bonus?
+ register: Is there a Christmas bonus for us part-timers too?
- audience: Do temporary staff get a Christmas bonus?
- quantifier: Do only part-time staff get a Christmas bonus?
- question-type: How much Christmas bonus do part-time staff get?
- attribute: Do part-time staff get a Christmas party?

? How do I record overtime worked on a public holiday?
+ synonym: How should I log extra hours that I worked on a bank holiday?
+ keywords: record overtime public holiday
+ voice: How is overtime on a public holiday to be recorded?
+ telegram: Worked overtime on public holiday. Record it how?
- condition: How do I record overtime worked at night?
- attribute: How is overtime worked on a public holiday paid?
- polarity: How do I refuse overtime on a public holiday?
- modality: Must I work overtime on a public holiday?

? May I work from abroad for two weeks?
+ form: Is it permitted to do my job from another country for two weeks?
+ number-format: May I work from abroad for 14 days?
+ register: Is it OK if I work out of another country for a fortnight?
+ polite: I would like to ask whether I may work from abroad for two weeks.
- unit: May I work from abroad for two years?
- number: May I work from abroad for twelve weeks?
- modality: Can I be made to work abroad for two weeks?
- entity: May I work from home for two weeks?

# law
? Can my landlord raise the rent during a fixed-term lease?
+ form: Is a landlord permitted to increase the rent while a fixed-term lease runs?
+ voice: Can the rent be raised by my landlord during a fixed-term lease?
+ keywords: landlord rent increase fixed-term lease
+ register: Is my landlord allowed to bump up the rent midway through a fixed-term lease?
- polarity: Can my landlord lower the rent during a fixed-term lease?
- condition: Can my landlord raise the rent after a fixed-term lease has ended?
- role: Can I ask my landlord to end a fixed-term lease early?
- question-type: By how much can my landlord raise the rent during a fixed-term lease?

? What is the penalty for driving without insurance?
+ synonym: What punishment do uninsured drivers face?
+ form: What do I have to reckon with if I'm caught driving without insurance?
+ keywords: penalty driving uninsured
+ contraction: What's the penalty if you're driving without insurance?
- negation: What is the penalty for drivers with insurance who cause an accident?
- entity: What is the penalty for driving without a licence?
- question-type: Why is driving without insurance a crime?
- tense: What was the penalty for driving without insurance in 1980?

? Can a tenant sue the landlord over mould?
+ form: Is it possible for a tenant to take the landlord to court because of mould?
+ voice: Can the landlord be sued by a tenant over mould?
+ register: Mouldy flat: can the tenant drag the landlord to court?
+ typo: Can a tennant sue the landlord over mould?
- role: Can a landlord sue the tenant over mould?
- attribute: Can a tenant sue the landlord over noise?
- modality: Should a tenant sue the landlord over mould?
- question-type: How does a tenant prove to the landlord that there is mould?

? Is a verbal contract binding?
+ synonym: Does an oral agreement have legal force?
+ form: If we only agreed by word of mouth, are we legally bound by that contract?
+ keywords: verbal contract legally binding
+ telegram: Contract verbal only. Binding?
- entity: Is a written contract binding?
- polarity: Is a verbal contract void if one party lied?
- question-type: When does a verbal contract end?
- audience: Is a verbal contract with a minor binding?

? Until what age must children go to school in France?
+ form: Up to which age is school compulsory for children in France?
+ keywords: france compulsory schooling age end
+ synonym: How old must a child in France be before school is no longer obligatory?
+ polite: Could you tell me, please, until what age children in France must attend school?
- direction: From what age must children go to school in France?
- entity: Until what age must children go to school in Finland?
- modality: Until what age can children stay at home in France?
- quantifier: Must all children in France wear a school uniform?

? How do I appeal against a parking fine?
+ synonym: How can I contest a parking ticket?
+ form: What steps do I take to challenge a parking fine?
+ register: Got a parking fine and it's unfair, how do I fight it?
+ typo: How do I apeal against a parking fine?
- polarity: How do I pay a parking fine?
- entity: How do I appeal against a speeding fine?
- question-type: How long do I have to appeal against a parking fine?
- tense: What happened to the appeal against my parking fine?
"""
