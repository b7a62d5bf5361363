// Counts with their nouns: "1 face", "2 faces".
export const number = (value) => value.toLocaleString("en");
export const amount = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
