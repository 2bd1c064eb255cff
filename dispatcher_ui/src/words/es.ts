import type { Sentences } from "../language";

const sentences: Sentences = { Search: "Buscar" };

export default sentences;
