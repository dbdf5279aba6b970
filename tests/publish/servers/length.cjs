// How long X holds texts to be: a JSON list of texts in, a list of lengths out
const { parseTweet } = require('twitter-text')
const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'))
console.log(JSON.stringify(texts.map((text) => parseTweet(text).weightedLength)))
