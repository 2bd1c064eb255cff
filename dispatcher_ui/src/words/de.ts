import type { Sentences } from "../language";

const sentences: Sentences = { Search: "Suchen" };

export default sentences;
