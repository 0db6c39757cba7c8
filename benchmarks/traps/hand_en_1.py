"""English, by hand: software, telecoms, shopping, accounts and security."""

CLUSTERS = r"""
# software
? How do I turn on dark mode in the mail app?
+ polite: Could you please tell me how to switch the mail app to dark mode?
+ keywords: mail app enable dark mode
+ form: What is the way to activate the dark theme in the mail app?
+ typo: How do I trun on dark mode in the mail app?
- polarity: How do I turn off dark mode in the mail app?
- entity: How do I turn on dark mode in the calendar app?
- question-type: Why does dark mode in the mail app keep turning on?
- condition: How do I turn on dark mode in the mail app only after sunset?

? How can I recover a spreadsheet I closed without saving?
+ wording: I shut a spreadsheet before I had saved it. How do I get it back?
+ register: Closed my spreadsheet and forgot to hit save, any way to get it back?
+ reorder: A spreadsheet was closed without saving; how can I recover it?
+ telegram: Closed spreadsheet unsaved. Recover how?
- polarity: How can I close a spreadsheet without saving?
- attribute: How can I recover a spreadsheet whose password I forgot?
- entity: How can I recover a slide deck I closed without saving?
- negation: How can I recover a spreadsheet I did save before closing?

? Where does the program keep its log files on Windows?
+ form: In which folder on Windows can I find the program's logs?
+ keywords: program log file location windows
+ voice: Where on Windows are log files stored by the program?
+ contraction: Where's the folder on Windows the program keeps its log files in?
- entity: Where does the program keep its log files on macOS?
- attribute: Where does the program keep its licence file on Windows?
- question-type: How long does the program keep its log files on Windows?
- modality: Must the program keep its log files on Windows?

? Why does my laptop fan run all the time?
+ synonym: What makes the fan of my notebook spin constantly?
+ register: Laptop fan just won't stop spinning, what's going on?
+ contraction: What's the reason my laptop fan runs all the time?
+ reorder: My laptop fan runs all the time; why?
- negation: Why does my laptop fan not run at all?
- question-type: How loud does my laptop fan run?
- attribute: How do I clean the fan of my laptop?
- quantifier: Why does my laptop fan run only at start-up?
- tense: Why did my laptop fan run all the time before the last update?

? Which version of the plugin works with release 12 of the editor?
+ wording: I have editor release 12. What plugin version is compatible with it?
+ keywords: plugin version compatible editor release 12
+ abbreviation: Which plugin ver. works with editor rel. 12?
+ polite: Would you mind telling me which plugin version works with editor release 12?
- version: Which version of the plugin works with release 11 of the editor?
- negation: Which version of the plugin does not work with release 12 of the editor?
- direction: Which release of the editor works with version 12 of the plugin?
- superlative: What is the oldest release of the editor that has a plugin system?

? How do I move my photos from the phone to the computer?
+ synonym: How can I transfer pictures off my phone onto my computer?
+ form: What is the best way of getting the photos on my phone over to my computer?
+ abbreviation: How do I move my pics from the phone to my PC?
+ reorder: There are photos on my phone; how do I move them to the computer?
- direction: How do I move my photos from the computer to the phone?
- entity: How do I move my contacts from the phone to the computer?
- question-type: How long does it take to move my photos from the phone to the computer?
- condition: How do I move my photos from the phone to the computer without a cable?
- polarity: How do I stop my photos from being moved from the phone to the computer?

? Can two people edit the same document at once?
+ form: Is it possible for two users to work on one document simultaneously?
+ keywords: two people edit same document simultaneously possible
+ voice: Can one document be edited by two people at the same time?
+ number-format: Can 2 people edit the same document at once?
- number: Can two hundred people edit the same document at once?
- question-type: How do two people edit the same document at once?
- polarity: Can two people be kept from editing the same document at once?
- attribute: Can two people print the same document at once?

? What happens to my files if I uninstall the sync client?
+ synonym: What becomes of my files when the sync client is removed?
+ telegram: Uninstalling sync client. What happens to files?
+ reorder: If I uninstall the sync client, what happens to my files?
+ register: So if I get rid of the sync client, where does that leave my files?
- polarity: What happens to my files if I install the sync client?
- attribute: What happens to my settings if I uninstall the sync client?
- negation: What happens to my files if I do not uninstall the sync client?
- scope: What happens to other users' files if I uninstall the sync client?

? What is the longest file name the archive tool accepts?
+ form: Up to what length does the archive tool accept file names?
+ keywords: archive tool max file name length
+ abbreviation: What's the max. length of a file name in the archive tool?
+ contraction: What's the longest file name that the archive tool will accept?
- superlative: What is the shortest file name the archive tool accepts?
- attribute: What is the largest file the archive tool accepts?
- entity: What is the longest file name the backup tool accepts?
- quantifier: Does the archive tool accept every file name?

? Should I update the printer driver before I upgrade the operating system?
+ reorder: Before upgrading the operating system, should I update the printer driver?
+ abbreviation: Should I update the printer driver before I upgrade the OS?
+ synonym: Is it advisable to bring the printer driver up to date ahead of the operating system upgrade?
+ typo: Should I update the pinter driver before I upgrade the operating system?
- direction: Should I upgrade the operating system before I update the printer driver?
- modality: Can I update the printer driver before I upgrade the operating system?
- question-type: How do I update the printer driver before I upgrade the operating system?
- tense: Should I have updated the printer driver before I upgraded the operating system?

# telecoms
? How many gigabytes of data does the Basic plan include per month?
+ abbreviation: How many GB of data does the Basic plan include per month?
+ keywords: basic plan monthly data allowance gigabytes
+ wording: I am on the Basic plan. How much data do I get each month?
+ polite: Could you let me know the monthly data volume of the Basic plan in gigabytes?
- plan: How many gigabytes of data does the Family plan include per month?
- attribute: How many call minutes does the Basic plan include per month?
- unit: How many gigabytes of data does the Basic plan include per day?
- attribute: How much does the Basic plan cost per month?

? How do I forward calls from my mobile to my office number?
+ synonym: How can I divert calls on my mobile phone to the office line?
+ telegram: Forward mobile calls to office number. How?
+ form: What do I have to do so that calls to my mobile ring at my office number?
+ voice: How can calls to my mobile be forwarded to my office number?
- direction: How do I forward calls from my office number to my mobile?
- polarity: How do I stop forwarding calls from my mobile to my office number?
- entity: How do I forward text messages from my mobile to my office number?
- condition: How do I forward calls from my mobile to my office number when the line is busy?

? Does roaming in Switzerland cost extra?
+ form: Are there additional charges for roaming in Switzerland?
+ register: Will I get stung for using my phone in Switzerland, i.e. is roaming there extra?
+ keywords: switzerland roaming extra charge
+ contraction: Isn't roaming in Switzerland included, or does it cost extra?
- entity: Does roaming in Sweden cost extra?
- question-type: How do I switch on roaming in Switzerland?
- modality: May I use roaming in Switzerland for more than a year?
- attribute: Is roaming in Switzerland slower?

? My SIM card was stolen. What should I do?
+ wording: Somebody stole my SIM card, what are the steps I should take?
+ voice: Someone has stolen my SIM card. What should I do?
+ keywords: sim card stolen what to do
+ polite: Hello, my SIM card has been stolen; could you kindly advise me what to do?
- attribute: My SIM card is damaged. What should I do?
- tense: What should I do so that my SIM card does not get stolen?
- entity: My phone charger was stolen. What should I do?
- modality: My SIM card was stolen. What must the provider do?

? When will fibre internet be available on Mill Road?
+ synonym: From what date can homes in Mill Road get fibre broadband?
+ form: How soon will Mill Road be connected to fibre internet?
+ telegram: Mill Road, fibre internet, available when?
+ register: Any idea when they're bringing fibre internet to Mill Road?
- tense: When did fibre internet become available on Mill Road?
- entity: When will fibre internet be available on Hill Road?
- question-type: Why will fibre internet not be available on Mill Road?
- attribute: How fast will fibre internet be on Mill Road?

? Can I keep my number if I change provider?
+ wording: I am switching to another operator. Is it possible to take my phone number with me?
+ reorder: If I change provider, can I keep my number?
+ typo: Can I keep my nummber if I change provider?
+ register: Do I get to hang on to my number when I jump to a different provider?
- modality: Must I keep my number if I change provider?
- polarity: Can I change my number if I keep my provider?
- direction: Can I change my number before I change provider and keep the old provider?
- attribute: Can I keep my handset if I change provider?

# shopping
? How do I return shoes that are too small?
+ wording: The shoes I ordered don't fit, they are too tight. How can I send them back?
+ keywords: return shoes too small
+ form: What is the procedure for sending back shoes that turn out too small?
+ polite: Please, could you explain how to return shoes which are too small?
- attribute: How do I return shoes that are faulty?
- polarity: How do I keep shoes that are too small and get a discount?
- entity: How do I return a jacket that is too small?
- question-type: How long do I have to return shoes that are too small?
- condition: How do I return shoes that are too small and that I have already worn outside?

? Is delivery free for orders over 50 euros?
+ number-format: Is delivery free for orders over fifty euros?
+ form: Do you ship without charge when the order is above 50 euros?
+ keywords: free delivery orders above 50 euros
+ contraction: If my order's over 50 euros, don't I pay anything for delivery?
- comparison: Is delivery free for orders under 50 euros?
- number: Is delivery free for orders over 15 euros?
- currency: Is delivery free for orders over 50 pounds?
- attribute: Is gift wrapping free for orders over 50 euros?

? Where is my parcel? The order number is 48213.
+ form: Can you tell me where the parcel with order number 48213 is right now?
+ abbreviation: Where is my parcel? The order no. is 48213.
+ keywords: track parcel order 48213
+ reorder: My order number is 48213. Where is my parcel?
- code: Where is my parcel? The order number is 48231.
- polarity: Where can I drop off my return parcel? The order number is 48213.
- question-type: Why is my parcel late? The order number is 48213.
- attribute: Where is my invoice? The order number is 48213.

? Can I pay by invoice as a new customer?
+ form: Is payment by invoice open to people who have never ordered before?
+ reorder: As a new customer, can I pay by invoice?
+ wording: It is my first order with you; may I choose invoice as the payment method?
+ typo: Can I pay by invoce as a new customer?
- audience: Can I pay by invoice as a business customer?
- modality: Do I have to pay by invoice as a new customer?
- attribute: Can I pay by instalments as a new customer?
- polarity: Can I be charged a fee for paying by invoice late as a new customer?

? What is the cheapest washing machine you sell?
+ form: Which of your washing machines has the lowest price?
+ register: What's your lowest priced washing machine, bottom of the range?
+ keywords: cheapest washing machine in your shop
+ contraction: What's the cheapest washing machine that you've got on sale?
- superlative: What is the most expensive washing machine you sell?
- superlative: What is the quietest washing machine you sell?
- entity: What is the cheapest tumble dryer you sell?
- audience: What is the cheapest washing machine you sell to hotels and laundries?

? How do I cancel one item of an order but keep the rest?
+ synonym: How can I remove a single article from an order and leave the others in?
+ telegram: Cancel one item, keep rest of order. How?
+ wording: I ordered several things and no longer want one of them. How do I cancel just that one?
+ number-format: How do I cancel 1 item of an order but keep the rest?
- quantifier: How do I cancel all items of an order?
- polarity: How do I add one item to an order and keep the rest?
- direction: How do I keep one item of an order but cancel the rest?
- tense: I cancelled one item of an order; when is it refunded?

? Do gift cards expire?
+ form: Is there an expiry date on gift cards?
+ synonym: Do gift vouchers run out after some time?
+ wording: For how long are gift cards valid, or do they last for ever?
+ keywords: gift card expiry
- modality: Can gift cards be exchanged for cash?
- entity: Do loyalty points expire?
- question-type: Where are gift cards sold?
- scope: Do gift cards from other shops work here?

? Which size should I order if I am 180 cm tall?
+ number-format: Which size should I order if I am 1.80 m tall?
+ reorder: I am 180 cm tall. Which size should I order?
+ keywords: size for 180 cm height
+ polite: May I ask what size you would recommend for someone 180 cm tall?
- number: Which size should I order if I am 160 cm tall?
- attribute: Which size should I order if I weigh 180 pounds?
- audience: Which size should I order for my son if he is 108 cm tall?
- attribute: Which colour should I order if I am 180 cm tall?

# security
? How do I reset my password if I no longer have access to my e-mail?
+ wording: I forgot my password and can't get into my mailbox any more. How do I set a new password?
+ reorder: I no longer have access to my e-mail. How do I reset my password?
+ keywords: reset password no access to email
+ contraction: How do I reset my password if I can't access my e-mail any more?
- negation: How do I reset my password if I still have access to my e-mail?
- attribute: How do I reset my user name if I no longer have access to my e-mail?
- entity: How do I reset my password if I no longer have access to my phone?
- scope: How do I reset a colleague's password if he no longer has access to his e-mail?

? Is it safe to store passwords in the browser?
+ synonym: Is keeping passwords in the browser secure?
+ form: How safe is it when passwords are saved by the browser?
+ register: Saving passwords in the browser, is that OK security-wise?
+ typo: Is it safe to store pasword in the browser?
- question-type: How do I store passwords in the browser?
- polarity: Is it safe to delete passwords from the browser?
- entity: Is it safe to store credit cards in the browser?
- audience: Is it safe for children to use the browser?

? Who can see the files I share with a link?
+ voice: By whom can files that I share with a link be seen?
+ form: If I share files by link, which people are able to view them?
+ keywords: shared link files who can view
+ register: When I send out a link to my files, who all gets to look at them?
- modality: Who should see the files I share with a link?
- polarity: Who can delete the files I share with a link?
- role: Whose files shared with a link can I see?
- question-type: How long can people see the files I share with a link?

? How do I block a caller who keeps ringing me at night?
+ wording: Someone calls me every night. How can I bar that number?
+ telegram: Nightly caller, want to block. How?
+ voice: How can a caller who keeps ringing me at night be blocked?
+ synonym: How do I bar a caller who phones me again and again at night?
- polarity: How do I unblock a caller whom I blocked last night?
- role: How do I find out whether a caller has blocked me?
- attribute: How do I report a caller to the police who keeps ringing me at night?
- quantifier: How do I block all callers at night?

? Can my employer read my private messages on the company phone?
+ form: Is my employer able to see personal messages on the company phone?
+ reorder: On the company phone, can my employer read my private messages?
+ register: Can the boss snoop on my private messages on the work phone?
+ abbreviation: Can my employer read my private msgs on the company phone?
- modality: Must my employer delete my private messages on the company phone?
- role: Can I read my employer's private messages on the company phone?
- entity: Can my employer read my private messages on my own phone?
- question-type: How can my employer read private messages on the company phone?

? What should I do when my account shows a login from a country I have never visited?
+ wording: There is a sign-in on my account from a place I have never been to. What now?
+ keywords: account login from unknown country what to do
+ polite: Could you advise me what to do about a login from a country I've never been to?
+ reorder: My account shows a login from a country I have never visited; what should I do?
- negation: What should I do when I cannot log in from a country I visit?
- modality: What can others do when my account shows a login from a country?
- tense: What should I do before I log in from a country I have never visited?
- question-type: Why does my account show a login from a country I have never visited?
"""
