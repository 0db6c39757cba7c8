"""English, by hand: health, cooking, pets, home and cars."""

CLUSTERS = r"""
# health
? Can I take ibuprofen on an empty stomach?
+ form: Is it all right to take ibuprofen without having eaten?
+ register: Popping ibuprofen with nothing in my stomach, is that OK?
+ keywords: ibuprofen empty stomach ok
+ typo: Can I take ibuprofen on an emtpy stomach?
- polarity: Can I take ibuprofen on a full stomach?
- entity: Can I take iron tablets on an empty stomach?
- audience: Can my dog take ibuprofen on an empty stomach?
- modality: Must I take ibuprofen on an empty stomach?

? What are the symptoms of iron deficiency?
+ synonym: What signs point to a lack of iron?
+ form: How can I tell that I have too little iron?
+ keywords: iron deficiency symptoms
+ register: Low iron, what does that feel like?
- attribute: What are the causes of iron deficiency?
- attribute: What are the treatments for iron deficiency?
- polarity: What are the symptoms of iron overload?
- entity: What are the symptoms of iodine deficiency?

? How long is someone with chickenpox contagious?
+ form: For how many days can a person with chickenpox infect others?
+ synonym: How long does a chickenpox patient remain infectious?
+ telegram: Chickenpox, contagious how long?
+ polite: May I ask how long someone who has chickenpox stays contagious?
- entity: How long is someone with measles contagious?
- attribute: How long does the chickenpox rash itch?
- condition: How long is someone with chickenpox contagious who had been vaccinated against it?
- role: How long does someone stay healthy who was infected by a person with chickenpox?

? Should I see a doctor for a fever of 39 degrees Celsius?
+ number-format: Should I see a doctor for a fever of thirty-nine degrees Celsius?
+ reorder: I have a fever of 39 degrees Celsius. Should I see a doctor?
+ abbreviation: Should I see a doctor for a fever of 39 °C?
+ synonym: Is it advisable to consult a physician when my temperature is 39 degrees Celsius?
- number: Should I see a doctor for a temperature of 37 degrees Celsius?
- audience: Should I take my newborn to a doctor for a fever of 39 degrees Celsius?
- modality: Can I see a doctor today for a fever of 39 degrees Celsius?
- condition: Should I see a doctor for a fever of 39 degrees Celsius that has lasted a week?

? Is coffee bad for people with high blood pressure?
+ form: Does coffee harm people who suffer from high blood pressure?
+ synonym: Is coffee unhealthy for those with hypertension?
+ keywords: coffee harmful high blood pressure
+ contraction: If someone's got high blood pressure, isn't coffee bad for them?
- polarity: Is coffee bad for people with low blood pressure?
- entity: Is tea bad for people with high blood pressure?
- question-type: Why is coffee bad for people with high blood pressure?
- attribute: Is coffee bad for people with high blood sugar?

? How do I stop a nosebleed?
+ form: What is the right way to make a nosebleed stop?
+ register: Nose won't quit bleeding, how do I make it stop?
+ keywords: stop nosebleed
+ synonym: What can I do to stanch a bleeding nose?
- attribute: How do I find the cause of a nosebleed?
- entity: How do I stop a toothache?
- tense: How do I clean up after a nosebleed has stopped?
- audience: How do I stop a horse's nosebleed?

? Can I drink alcohol two days after a vaccination?
+ number-format: Can I drink alcohol 48 hours after a vaccination?
+ reorder: Two days after a vaccination, can I drink alcohol?
+ register: Had my jab two days ago, is a drink OK?
+ typo: Can I drink alchohol two days after a vaccination?
- direction: Can I drink alcohol two days before a vaccination?
- number: Can I drink alcohol twenty days after a vaccination?
- unit: Can I drink alcohol two hours after a vaccination?
- entity: Can I drink alcohol two days after a tooth extraction?

? Which vitamins should pregnant women avoid?
+ synonym: What vitamins are expectant mothers advised to stay away from?
+ form: Are there vitamins that women should not take during pregnancy, and which?
+ keywords: vitamins to avoid in pregnancy
+ voice: Which vitamins should be avoided by pregnant women?
- negation: Which vitamins should pregnant women not avoid?
- audience: Which vitamins should smokers avoid?
- polarity: Which vitamins should pregnant women take?
- quantifier: Should pregnant women avoid all vitamins?

? What is the maximum dose of paracetamol per day for adults?
+ form: How much paracetamol may an adult take in 24 hours at most?
+ abbreviation: What is the max. dose of paracetamol per day for adults?
+ keywords: paracetamol adult maximum daily dose
+ contraction: What's the most paracetamol an adult's allowed to take in a day?
- audience: What is the maximum dose of paracetamol per day for toddlers?
- unit: What is the maximum dose of paracetamol per week for adults?
- superlative: What is the minimum effective dose of paracetamol for adults?
- entity: What is the maximum dose of naproxen per day for adults?

? My father snores every night. What can he do about it?
+ wording: Each night my dad snores. Is there something that would help him?
+ synonym: My father snores nightly. What remedies are open to him?
+ register: Dad snores like a saw every night, what can he do?
+ form: What can my father do against his snoring every night?
- attribute: My father snores every night. What causes it?
- role: My father complains that I snore every night. What can he do to sleep?
- modality: My father snores every night. Must he stop driving?
- attribute: My father coughs every night. What can he do about it?

? Do contact lenses damage the eyes when worn overnight?
+ reorder: When worn overnight, do contact lenses damage the eyes?
+ form: Is it harmful to the eyes to sleep with contact lenses in?
+ synonym: Do contacts hurt your eyes if you keep them in all night?
+ voice: Are the eyes damaged by contact lenses that are worn overnight?
- polarity: Do contact lenses protect the eyes when worn outdoors?
- date: Do contact lenses damage the eyes when worn all day?
- condition: Do contact lenses damage the eyes when worn in a swimming pool?
- question-type: How long do contact lenses last when worn overnight?

# cooking
? How long do I boil an egg so that the yolk stays soft?
+ form: What is the boiling time for a soft egg yolk?
+ register: How many minutes for a soft-boiled egg?
+ reorder: So that the yolk stays soft, how long do I boil an egg?
+ keywords: boiling time egg soft yolk
- polarity: How long do I boil an egg so that the yolk gets hard?
- entity: How long do I boil a potato so that it stays firm?
- condition: How long do I boil an egg at 3,000 metres so that the yolk stays soft?
- attribute: How long does a boiled egg keep in the fridge?

? What can I use instead of buttermilk in pancakes?
+ synonym: What is a good substitute for buttermilk in a pancake recipe?
+ wording: My pancake recipe calls for buttermilk and I have none. What else will do?
+ keywords: pancakes buttermilk substitute
+ voice: What can buttermilk be replaced with in pancakes?
- direction: What can I use buttermilk for instead of pancakes?
- entity: What can I use instead of eggs in pancakes?
- question-type: Why is buttermilk used in pancakes?
- condition: What can I use instead of buttermilk in pancakes for someone who is allergic to milk?

? How many grams of flour are in one cup?
+ number-format: How many grams of flour are in 1 cup?
+ form: What does a cup of flour weigh in grams?
+ abbreviation: How many g of flour are in one cup?
+ keywords: one cup flour in grams
- entity: How many grams of sugar are in one cup?
- number: How many grams of flour are in three cups?
- unit: How many ounces of flour are in one cup?
- direction: How many cups of flour are in one kilogram?

? Why did my bread not rise?
+ form: What is the reason my bread stayed flat?
+ contraction: Why didn't my bread rise?
+ wording: I baked a loaf and the dough never came up. What went wrong?
+ keywords: bread not rising cause
- negation: Why did my bread rise too much?
- entity: Why did my soufflé not rise?
- attribute: Why did my bread not brown?
- question-type: How long should my bread rise?

? Can I freeze cooked rice?
+ form: Is it OK to put cooked rice in the freezer?
+ voice: Can rice be frozen once it has been cooked?
+ register: Leftover cooked rice, can that go in the freezer?
+ typo: Can I freeze coked rice?
- polarity: Can I fry frozen rice without thawing it?
- entity: Can I freeze cooked eggs?
- negation: Can I freeze rice that is not cooked?
- question-type: How long can I freeze cooked rice?

? Which oil has the highest smoke point?
+ form: What is the oil that can get hottest before it smokes?
+ wording: Of all oils, which one starts to smoke at the highest temperature?
+ keywords: oil with highest smoke point
+ contraction: What's the oil with the highest smoke point?
- superlative: Which oil has the lowest smoke point?
- attribute: Which oil has the highest vitamin E content?
- entity: Which margarine has the highest smoke point?
- comparison: Which oils have a smoke point above that of butter?

? How do I make a vegan tomato soup for four people?
+ number-format: How do I make a vegan tomato soup for 4 people?
+ keywords: vegan tomato soup recipe four servings
+ polite: Could you give me a recipe for vegan tomato soup that serves four?
+ reorder: For four people, how do I make a vegan tomato soup?
- number: How do I make a vegan tomato soup for forty people?
- condition: How do I make a vegan tomato soup for four people without onions and garlic?
- entity: How do I make a vegan pumpkin soup for four people?
- negation: How do I make a non-vegan tomato soup with bacon for four people?

# pets
? Can dogs eat grapes?
+ form: Are grapes safe for dogs to eat?
+ register: My dog's begging for grapes, can he have some?
+ voice: Can grapes be eaten by dogs?
+ keywords: grapes safe for dogs
- audience: Can parrots eat grapes?
- entity: Can dogs eat carrots?
- tense: My dog ate grapes this morning. What should I do?
- polarity: Can dogs be trained not to eat grapes?

? How often should I bathe a long-haired cat?
+ synonym: How frequently does a cat with long hair need a bath?
+ keywords: long-haired cat bath frequency
+ polite: Could you tell me how often one should bathe a long-haired cat?
+ typo: How ofen should I bathe a long-haired cat?
- attribute: How often should I feed a long-haired cat?
- polarity: How often should I bathe a hairless cat?
- audience: How often should I bathe a long-haired dog?
- question-type: How do I bathe a long-haired cat?

? Why does my puppy bite me?
+ synonym: What makes my young dog nip me?
+ voice: Why am I bitten by my puppy?
+ register: What's with my puppy chewing on my hands all the time?
+ keywords: reason puppy bites owner
- role: Why does my puppy get bitten by other dogs?
- negation: Why does my puppy not bite on his toys?
- attribute: Why does my puppy bark at me?
- question-type: When does my puppy get his adult teeth to bite with?

? Do rabbits need a vaccination every year?
+ form: Is a yearly vaccination necessary for rabbits?
+ synonym: Must rabbits be given jabs annually?
+ keywords: rabbits annual vaccination needed
+ number-format: Do rabbits need a vaccination once every 12 months?
- audience: Do guinea pigs need a vaccination every year?
- question-type: What does a yearly vaccination for rabbits cost?
- unit: Do rabbits need a vaccination every month?
- attribute: Do rabbits need a new cage every year?

# home
? How do I remove red wine stains from a white carpet?
+ synonym: What gets red wine spots out of a white carpet?
+ register: Spilled red wine all over my white carpet, how do I get it out?
+ keywords: red wine stain white carpet removal
+ voice: How are red wine stains removed from a white carpet?
- entity: How do I remove coffee stains from a white carpet?
- polarity: How do I keep red wine stains off a white carpet in the first place?
- condition: How do I remove red wine stains from a white carpet without chemicals?
- attribute: How do I remove red wine stains from a wooden table?

? Which way do I turn the valve to close the radiator?
+ form: In which direction is the valve turned to shut the radiator?
+ synonym: Do I turn the radiator valve left or right to shut it off?
+ keywords: close radiator valve turn direction
+ telegram: Radiator valve, closing it, turn which way?
- polarity: Which way do I turn the valve to open the radiator?
- entity: Which way do I turn the valve to close the gas bottle?
- question-type: When do I turn the valve to close the radiator?
- modality: Must I close the radiator valve when airing the room?

? How much paint do I need for a wall of 20 square metres?
+ number-format: How much paint do I need for a wall of 5 m by 4 m?
+ abbreviation: How much paint do I need for a 20 m² wall?
+ form: What amount of paint is enough for 20 square metres of wall?
+ keywords: paint quantity wall 20 square metres
- number: How much paint do I need for a wall of 12 square metres?
- unit: How much paint do I need for a wall of 20 square feet?
- entity: How much wallpaper do I need for a wall of 20 square metres?
- condition: How much paint do I need for two coats on a wall of 20 square metres?

? Can I drill into a load-bearing wall?
+ form: Is drilling into a load-bearing wall permissible?
+ voice: Can holes be drilled into a load-bearing wall?
+ register: Load-bearing wall, OK to drill into it?
+ typo: Can I dril into a load-bearing wall?
- negation: Can I drill into a wall that is not load-bearing?
- attribute: Can I remove a load-bearing wall?
- question-type: How deep can I drill into a load-bearing wall?
- modality: Must I tell the landlord before I drill into a load-bearing wall?

? Do LED bulbs use less electricity than halogen bulbs?
+ synonym: Do LED lamps consume less power than halogen lamps?
+ form: Is the power consumption of LED bulbs lower than that of halogen bulbs?
+ reorder: Compared with halogen bulbs, do LED bulbs use less electricity?
+ keywords: led bulbs vs halogen less electricity
- comparison: Do LED bulbs use more electricity than fluorescent tubes?
- attribute: Do LED bulbs cost less than halogen bulbs?
- entity: Do LED bulbs use less electricity than laser diodes?
- question-type: Why do LED bulbs use less electricity than halogen bulbs?

# cars
? How do I jump-start a car with a dead battery?
+ form: What is the procedure for jump-starting a car whose battery is flat?
+ register: Car battery's dead, how do I jump it?
+ keywords: jump start car dead battery
+ voice: How is a car with a dead battery jump-started?
- entity: How do I jump-start a motorcycle with a dead battery?
- polarity: How do I disconnect a dead battery from a car?
- attribute: How do I dispose of a dead car battery?
- question-type: Why does my car battery keep going dead?

? What tyre pressure does my car need when fully loaded?
+ synonym: How hard should the tyres be pumped up for a fully loaded car?
+ reorder: When fully loaded, what tyre pressure does my car need?
+ keywords: car tyre pressure full load
+ contraction: What's the right tyre pressure for my car when it's fully loaded?
- polarity: What tyre pressure does my car need when empty?
- entity: What oil pressure does my car need when fully loaded?
- scope: What tyre pressure does your car have when fully loaded?
- modality: May my car be driven fully loaded with low tyre pressure?

? Does the 2019 model have a timing belt or a chain?
+ form: Is the engine of the 2019 model fitted with a timing chain or with a belt?
+ reorder: Timing belt or chain: which does the 2019 model have?
+ keywords: 2019 model timing chain or belt
+ polite: Would you happen to know if the 2019 model has a timing belt or a chain?
- version: Does the 2009 model have a timing belt or a chain?
- attribute: Does the 2019 model have a petrol or a diesel engine?
- question-type: When must the timing belt of the 2019 model be changed?
- superlative: Which was the last model to have a timing chain?

? How far can the electric version drive on one charge in winter?
+ form: What is the winter range of the electric version on a single charge?
+ synonym: How many kilometres does the electric version manage per charge when it is winter?
+ keywords: electric version winter range one charge
+ telegram: Electric version, winter, one charge: how far?
- date: How far can the electric version drive on one charge in summer?
- plan: How far can the hybrid version drive on one charge in winter?
- question-type: How long does the electric version need for one charge in winter?
- number: How far can the electric version drive on two charges in winter?

? The brake warning light came on. Can I drive on?
+ form: Is it safe to keep driving when the brake warning light is lit?
+ register: Brake light on the dash just lit up, am I OK to carry on driving?
+ synonym: The brake warning lamp has lit up. May I continue driving?
+ typo: The brake warning light came on. Can I drvie on?
- entity: The oil warning light came on. Can I drive on?
- negation: The brake warning light did not come on at start-up. Is it broken?
- polarity: The brake warning light went off again. Was it a false alarm?
- question-type: Why did the brake warning light come on?

? Are winter tyres compulsory in Austria in March?
+ form: Do I have to have winter tyres on in Austria in March?
+ reorder: In March, are winter tyres compulsory in Austria?
+ synonym: Is it mandatory to drive with winter tyres in March in Austria?
+ keywords: austria march winter tyres mandatory
- date: Are winter tyres compulsory in Austria in May?
- entity: Are winter tyres compulsory in Andorra in March?
- modality: Are winter tyres advisable in Austria in March?
- polarity: Are winter tyres forbidden in Austria in summer?
"""
