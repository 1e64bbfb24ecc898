/// <reference types="vite/client" />
declare module "virtual:brand.css";
declare module "@cloudscape-design/global-styles/index.css";
