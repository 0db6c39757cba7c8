"""English, by hand: the rarer traps (currency, plan, version, identifier, comparison, owner), in any domain."""

CLUSTERS = r"""
# banking
? What does an account in US dollars cost per year?
+ form: How high is the yearly fee for an account kept in US dollars?
+ abbreviation: What does a USD account cost p.a.?
+ telegram: US dollar account, annual fee, how much?
+ wording: I am thinking of holding my money in US dollars. What would you charge me a year for such an account?
- currency: What does an account in Canadian dollars cost per year?
- plan: What does a premium account in US dollars cost per year?
- unit: What does an account in US dollars cost per month?
- scope: What does my wife's account in US dollars cost per year?

? How many Swiss francs do I get for 1,000 euros today?
+ number-format: How many Swiss francs do I get for one thousand euros today?
+ abbreviation: How many CHF do I get for 1,000 EUR today?
+ synonym: What is 1,000 euros worth in Swiss francs today?
+ contraction: What's today's amount in Swiss francs for 1,000 euros?
- direction: How many euros do I get for 1,000 Swiss francs today?
- currency: How many Swiss francs do I get for 1,000 dollars today?
- currency: How many Swedish crowns do I get for 1,000 euros today?
- tense: How many Swiss francs did I get for 1,000 euros ten years ago?

? Does the Gold card cover rental cars?
+ voice: Are rental cars covered by the Gold card?
+ form: Is there insurance for rental cars with the Gold card?
+ typo: Does the Gold card cover rentla cars?
+ wording: If I hire a car and own a Gold card, am I insured through it?
- plan: Does the Green card cover rental cars?
- attribute: Does the Gold card cover lost luggage?
- negation: Which rental cars does the Gold card not cover?
- scope: Does the Gold card cover rental cars driven by my husband?

? Is the interest on my savings above the rate of inflation?
+ form: Does my savings interest exceed inflation?
+ reorder: Compared with the rate of inflation, is the interest on my savings higher?
+ register: Am I beating inflation with the interest on my savings?
+ keywords: my savings interest higher than inflation
- comparison: Is the interest on my savings below the rate of inflation?
- entity: Is the interest on my savings above the rate of my mortgage?
- scope: Is the interest on my parents' savings above the rate of inflation?
- question-type: Since when is the interest on my savings above the rate of inflation?

# shopping
? What does the Business plan offer that the Team plan lacks?
+ form: Which features of the Business plan are missing from the Team plan?
+ wording: We are on Team. What would we gain by going Business?
+ contraction: What's in the Business plan that isn't in the Team plan?
+ keywords: business plan features missing in team plan
- direction: What does the Team plan offer that the Business plan lacks?
- plan: What does the Business plan offer that the Solo plan lacks?
- attribute: How much more does the Business plan cost than the Team plan?
- quantifier: What do all of your plans offer?

? Can I use voucher SPRING25 more than once?
+ form: Is it possible to redeem voucher SPRING25 several times?
+ number-format: Can I use voucher SPRING25 more than 1 time?
+ voice: Can voucher SPRING25 be used by me more than once?
+ register: Does voucher SPRING25 work a second time for me?
- code: Can I use voucher SPRING20 more than once?
- comparison: Can I use voucher SPRING25 for less than its value?
- scope: Can my friends use voucher SPRING25?
- modality: Must I use voucher SPRING25 by a certain day?

? Does part number 4471-B fit the coffee maker?
+ abbreviation: Does part no. 4471-B fit the coffee maker?
+ form: Is the coffee maker compatible with part number 4471-B?
+ synonym: Will the spare part 4471-B suit the coffee machine?
+ keywords: part 4471-B coffee maker fit
- code: Does part number 4471-D fit the coffee maker?
- entity: Does part number 4471-B fit the tea maker?
- attribute: Is part number 4471-B for the coffee maker in stock?
- question-type: How do I fit part number 4471-B to the coffee maker?

? Are there laptops with at least 32 GB of memory under 1,000 euros?
+ number-format: Are there laptops with at least 32 GB of memory under €1000?
+ form: Can I find a laptop below 1,000 euros that has 32 GB of memory or more?
+ reorder: Under 1,000 euros, are there laptops with at least 32 GB of memory?
+ abbreviation: Any laptops with min. 32 GB RAM under 1,000 EUR?
- comparison: Are there laptops with at most 32 GB of memory over 1,000 euros?
- currency: Are there laptops with at least 32 GB of memory under 1,000 yuan?
- unit: Are there laptops with at least 32 MB of memory under 1,000 euros?
- entity: Are there phones with at least 32 GB of memory under 1,000 euros?

# software
? What is new in Android 14 compared with Android 13?
+ form: Which features did Android 14 add over Android 13?
+ wording: I still have Android 13. What would I gain from going to 14?
+ contraction: What's new in Android 14 that wasn't there in Android 13?
+ keywords: android 14 new features vs android 13
- version: What is new in Android 15 compared with Android 14?
- version: What is new in Android 13 compared with Android 12?
- polarity: What was removed in Android 14 compared with Android 13?
- question-type: When will my phone get Android 14 after Android 13?

? Does the 2023 edition of the manual describe the new menu?
+ voice: Is the new menu described in the 2023 edition of the manual?
+ form: Can I read about the new menu in the manual's 2023 edition?
+ typo: Does the 2023 editon of the manual describe the new menu?
+ synonym: Is the new menu covered in the handbook, edition 2023?
- version: Does the 2022 edition of the manual describe the new menu?
- attribute: Does the 2023 edition of the manual describe the old menu?
- negation: What does the 2023 edition of the manual not describe?
- plan: Does the free edition of the manual describe the new menu?

? Why does port 8080 stay closed after a restart?
+ form: What is the reason that port 8080 remains closed once I have restarted?
+ contraction: Why isn't port 8080 open after a restart?
+ register: Restarted it and port 8080 is still shut, how come?
+ reorder: After a restart, why does port 8080 stay closed?
- code: Why does port 8088 stay closed after a restart?
- polarity: Why does port 8080 stay open after a restart?
- direction: Why does port 8080 close before a restart?
- question-type: How do I close port 8080 after a restart?

? Can I sign in to my account from two devices?
+ number-format: Can I sign in to my account from 2 devices?
+ form: Is it allowed to be logged in to my account on two devices?
+ synonym: May I log on to my account with two devices?
+ polite: I wonder whether I could sign in to my account from two devices, please?
- scope: Can two people sign in to my account from one device?
- negation: Can I keep others from signing in to my account?
- number: Can I sign in to my account from twelve devices?
- polarity: Can I sign out of my account on two devices?

# coding
? What does the flag -r do in the copy command?
+ form: What is the effect of the flag -r on the copy command?
+ synonym: What is the meaning of the option -r of the copy command?
+ telegram: Copy command, flag -r: does what?
+ contraction: What's the flag -r for in the copy command?
- code: What does the flag -p do in the copy command?
- entity: What does the flag -r do in the list command?
- negation: What does the copy command do without the flag -r?
- question-type: When was the flag -r added to the copy command?

? Is it true that x >= 5 is checked before y < 3?
+ voice: Does the program check x >= 5 before y < 3, is that true?
+ reorder: Before y < 3, is x >= 5 checked, is that true?
+ form: Does the check of x >= 5 come ahead of the check of y < 3?
+ register: So x >= 5 gets checked first and then y < 3, right?
- code: Is it true that x > 5 is checked before y < 3?
- direction: Is it true that y < 3 is checked before x >= 5?
- comparison: Is it true that x <= 5 is checked before y < 3?
- negation: Is it true that x >= 5 is not checked when y < 3 fails?

? How do I open a file in mode "a" in C?
+ form: What does the C code look like that opens a file in mode "a"?
+ keywords: c open file mode "a"
+ reorder: In C, how do I open a file in mode "a"?
+ voice: How is a file opened in mode "a" in C?
- code: How do I open a file in mode "w" in C?
- entity: How do I open a file in mode "a" in C#?
- polarity: How do I close a file opened in mode "a" in C?
- question-type: Why can I not open a file in mode "a" in C?

# travel
? Is lounge access included in a business class ticket?
+ form: Do I get into the lounge with a business class ticket?
+ voice: Does a business class ticket include lounge access?
+ abbreviation: Is lounge access incl. in a business class ticket?
+ wording: I fly business. May I wait in the lounge at no extra cost?
- plan: Is lounge access included in a premium economy ticket?
- attribute: Is seat selection included in a business class ticket?
- scope: Is lounge access for my guests included in a business class ticket?
- question-type: Where is the lounge for a business class ticket?

? Are children under six free on the train?
+ number-format: Are children under 6 free on the train?
+ form: Do kids below the age of six travel without a ticket on the train?
+ reorder: On the train, are children under six free?
+ polite: Could you tell me, please, whether children under six are free on the train?
- comparison: Are children over six free on the train?
- number: Are children under sixteen free on the train?
- entity: Are children under six free on the ferry?
- audience: Are dogs free on the train?

? What does the museum pass cost in Norwegian crowns?
+ abbreviation: What does the museum pass cost in NOK?
+ form: How many Norwegian crowns is the museum pass?
+ register: How much in Norwegian crowns for the museum pass?
+ keywords: museum pass price norwegian crowns
- currency: What does the museum pass cost in Danish crowns?
- entity: What does the bus pass cost in Norwegian crowns?
- plan: What does the family museum pass cost in Norwegian crowns?
- tense: What did the museum pass cost in Norwegian crowns in 1990?

# health
? Is my blood pressure of 150 over 95 too high?
+ number-format: Is my blood pressure of 150/95 too high?
+ abbreviation: Is my BP of 150 over 95 too high?
+ reorder: 150 over 95: is my blood pressure too high?
+ form: With a blood pressure of 150 over 95, am I above what is healthy?
- number: Is my blood pressure of 115 over 75 too high?
- comparison: Is my blood pressure of 150 over 95 higher than last time?
- scope: Is my newborn's blood pressure of 150 over 95 too high?
- question-type: How do I lower my blood pressure of 150 over 95?

? Does the basic health plan pay for glasses?
+ voice: Are glasses paid for by the basic health plan?
+ synonym: Are spectacles covered under the basic health plan?
+ register: Will the basic health plan chip in for glasses?
+ telegram: Basic health plan: glasses paid?
- plan: Does the comfort health plan pay for glasses?
- attribute: Does the basic health plan pay for dental care?
- scope: Does my employer's accident insurance pay for glasses?
- comparison: Does the basic health plan pay more for glasses than for lenses?
"""
